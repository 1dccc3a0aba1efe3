/** The colours of one colour scheme, as `#rrggbb`. Every pair in `palettePairs` has a contrast of its stated ratio or more. */
export interface PagePalette {
  readonly page: string;
  readonly card: string;
  /** Inputs, code and list rows. */
  readonly inset: string;
  readonly text: string;
  readonly muted: string;
  /** Lines that only decorate; nothing is known by them alone. */
  readonly line: string;
  /** The border of an input or a plain button: the only sign of where it is. */
  readonly edge: string;
  /** The accent as text: links, the current step. */
  readonly link: string;
  readonly button: string;
  readonly buttonText: string;
  readonly good: string;
  readonly bad: string;
}

export const pageLight: PagePalette = {
  page: '#f5f6f8',
  card: '#ffffff',
  inset: '#f1f3f6',
  text: '#1b2230',
  muted: '#4f5968',
  line: '#dde1e7',
  edge: '#7b8595',
  link: '#1d4ed8',
  button: '#1d4ed8',
  buttonText: '#ffffff',
  good: '#146c3a',
  bad: '#b3211b',
};

export const pageDark: PagePalette = {
  page: '#10141b',
  card: '#191f29',
  inset: '#222a36',
  text: '#eef1f5',
  muted: '#b3bccb',
  line: '#323c4b',
  edge: '#7d899b',
  link: '#8fb6ff',
  button: '#2c62e0',
  buttonText: '#ffffff',
  good: '#6fd69a',
  bad: '#ff9d94',
};

type Pair = readonly [front: keyof PagePalette, back: keyof PagePalette];

/**
 * The pairs that the pages use, by the contrast they need (WCAG 2.2: 1.4.3 for text, 1.4.11 for
 * the parts of a control).
 */
export const palettePairs: { readonly text: readonly Pair[]; readonly control: readonly Pair[] } = {
  text: [
    ...(['text', 'muted', 'link', 'good', 'bad'] as const).flatMap((front) =>
      (['page', 'card', 'inset'] as const).map((back) => [front, back] as const),
    ),
    ['buttonText', 'button'],
    ['card', 'good'],
    ['card', 'bad'],
    ['card', 'muted'],
  ],
  control: [
    ['edge', 'card'],
    ['edge', 'page'],
    ['bad', 'card'],
    ['button', 'card'],
    ['button', 'page'],
    ['link', 'inset'],
  ],
};

const variablesOf = (palette: PagePalette): string =>
  Object.entries(palette)
    .map(
      ([name, colour]) => `--${name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}: ${colour};`,
    )
    .join(' ');

/** The palettes as custom properties (`buttonText` is `--button-text`), by the reader's colour scheme. */
export const paletteStyle = `
:root { color-scheme: light dark; ${variablesOf(pageLight)} }
@media (prefers-color-scheme: dark) { :root { ${variablesOf(pageDark)} } }
`;
