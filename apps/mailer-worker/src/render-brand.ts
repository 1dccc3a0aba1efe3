import { contrastOf, darkPalette, lightPalette, type Palette } from './render-palette.ts';

/**
 * Who a mail speaks for. It is a value of each mail: one renderer serves all organizations. What cannot be used
 * (a colour that nobody could read, a logo without https) is left out, and the mail goes all the same.
 */
export interface Brand {
  readonly name: string;
  /** The one thing that a mail may load from elsewhere. https only; shown 40 pixels high. */
  readonly logoUrl?: string | undefined;
  /** Takes the logo's place in the dark; without it the logo stays. */
  readonly logoDarkUrl?: string | undefined;
  /** `#rrggbb`. With a text colour of less than 4.5:1 both give way to ours. */
  readonly buttonColor?: string | undefined;
  /** `#rrggbb`; black or white, whichever reads better, unless given. */
  readonly buttonTextColor?: string | undefined;
  /** Where help is found; http or https. */
  readonly supportUrl?: string | undefined;
}

/** The brand as templates fill it in. Nothing is undefined, because an undefined variable is a fault there. */
export interface FilledBrand {
  readonly name: string;
  readonly logoUrl: string | null;
  readonly logoDarkUrl: string | null;
  readonly supportUrl: string | null;
  readonly button: ButtonColours;
}

export interface ButtonColours {
  readonly light: string;
  readonly lightText: string;
  readonly dark: string;
  readonly darkText: string;
}

/** Computed once for each brand object: an organization's brand serves many mails. */
export const fillBrand = (brand: Brand): FilledBrand => {
  const known = filledBrands.get(brand);
  if (known !== undefined) return known;
  const logoUrl = webUrl(brand.logoUrl, ['https:']);
  const filled: FilledBrand = {
    name: oneLine(brand.name),
    logoUrl,
    logoDarkUrl: logoUrl === null ? null : webUrl(brand.logoDarkUrl, ['https:']),
    supportUrl: webUrl(brand.supportUrl, ['https:', 'http:']),
    button: buttonColours(brand),
  };
  filledBrands.set(brand, filled);
  return filled;
};

const filledBrands = new WeakMap<Brand, FilledBrand>();

/** One line without control characters, for headers and for text that stands on its own line. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

/** The URL as the URL standard writes it: without line breaks, quotes, angle brackets or spaces. */
export const webUrl = (text: string | undefined, schemes: readonly string[]): string | null => {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && schemes.includes(url.protocol) ? url.href : null;
};

interface Pair {
  readonly ground: string;
  readonly text: string;
}

const pairOf = ({ button, buttonText }: Palette): Pair => ({ ground: button, text: buttonText });

/**
 * The button in both colour schemes. Its words have 4.5:1 on it, and it has 3:1 to the card (WCAG 2.2, 1.4.3 and
 * 1.4.11): a black button is turned inside out on a dark card, as is a white one on a light card.
 */
export const buttonColours = (brand: Brand): ButtonColours => {
  const wanted = wantedPair(brand);
  const light = fitting(wanted, lightPalette);
  const dark = fitting(wanted, darkPalette);
  return { light: light.ground, lightText: light.text, dark: dark.ground, darkText: dark.text };
};

const wantedPair = ({ buttonColor, buttonTextColor }: Brand): Pair | null => {
  const ground = hexColour(buttonColor);
  if (ground === null) return null;
  const given = buttonTextColor === undefined ? undefined : hexColour(buttonTextColor);
  if (given === null) return null;
  const text = given ?? (contrastOf('#ffffff', ground) >= minTextContrast ? '#ffffff' : '#000000');
  return contrastOf(text, ground) >= minTextContrast ? { ground, text } : null;
};

const fitting = (wanted: Pair | null, palette: Palette): Pair => {
  const candidates = wanted === null ? [] : [wanted, { ground: wanted.text, text: wanted.ground }];
  return (
    candidates.find(({ ground }) => contrastOf(ground, palette.card) >= minControlContrast) ?? pairOf(palette)
  );
};

const minTextContrast = 4.5;
const minControlContrast = 3;

const hexColour = (text: string | undefined): string | null =>
  text !== undefined && /^#[0-9a-f]{6}$/i.test(text) ? text.toLowerCase() : null;
