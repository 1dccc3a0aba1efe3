/** The alphabet that a text needs, and what the carrier bills. */
export interface SmsSegments {
  readonly encoding: 'gsm7' | 'ucs2';
  /** Septets (`gsm7`) or UTF-16 units (`ucs2`). */
  readonly units: number;
  readonly segments: number;
}

// 3GPP TS 23.038, 6.2.1: the default alphabet. National shift tables are left out, for many carriers do not
// know them: ç, ğ, ı, ó or ą turn the whole text into UCS-2.
const basic = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
/** 6.2.1.1: behind an escape, so each takes two septets. */
const extension = new Set('\f^{}\\[~]|€');

const sizes = {
  gsm7: { alone: 160, each: 153 },
  ucs2: { alone: 70, each: 67 },
} as const;

/**
 * How many segments a carrier makes of the text: one character outside GSM-7 makes all of it UCS-2, and a
 * text of several segments loses room to their headers (160 → 153, 70 → 67). An escaped character or a
 * surrogate pair is never split between two segments.
 */
export const smsSegments = (text: string): SmsSegments => {
  const characters = Array.from(text);
  const encoding = characters.every((one) => basic.has(one) || extension.has(one)) ? 'gsm7' : 'ucs2';
  const widths = characters.map((one) => (encoding === 'ucs2' ? one.length : extension.has(one) ? 2 : 1));
  const units = widths.reduce((sum, width) => sum + width, 0);
  const { alone, each } = sizes[encoding];
  return { encoding, units, segments: units <= alone ? 1 : countParts(widths, each) };
};

const countParts = (widths: readonly number[], each: number): number => {
  let parts = 1;
  let filled = 0;
  for (const width of widths) {
    if (filled + width > each) {
      parts += 1;
      filled = 0;
    }
    filled += width;
  }
  return parts;
};
