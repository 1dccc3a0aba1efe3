/** The colours of one colour scheme, as `#rrggbb`. Text and background pairs keep a contrast of 4.5:1 or more. */
export interface Palette {
  readonly page: string;
  readonly card: string;
  readonly text: string;
  readonly muted: string;
  readonly link: string;
  readonly button: string;
  readonly buttonText: string;
}

export const lightPalette: Palette = {
  page: '#f3f4f6',
  card: '#ffffff',
  text: '#1f2937',
  muted: '#4b5563',
  link: '#1d4ed8',
  button: '#1d4ed8',
  buttonText: '#ffffff',
};

export const darkPalette: Palette = {
  page: '#111827',
  card: '#1f2937',
  text: '#f3f4f6',
  muted: '#d1d5db',
  link: '#93c5fd',
  button: '#2563eb',
  buttonText: '#ffffff',
};
