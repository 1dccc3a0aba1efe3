/** The colours of one colour scheme, as `#rrggbb`. Text and background pairs keep a contrast of 4.5:1 or more. */
export interface Palette {
  /** Also the ground of the code. */
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

/** Contrast of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export const contrastOf = (one: string, other: string): number => {
  const [light = 0, dark = 0] = [luminanceOf(one), luminanceOf(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};

const luminanceOf = (colour: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((start) => Number.parseInt(colour.slice(start, start + 2), 16) / 255)
    .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
