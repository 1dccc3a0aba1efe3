import { hmacSha256, keyedHash } from './keyed-hash.ts';
import { Secret } from './secret.ts';
import { keyOfVersion, type KeyRing, type TokenOrigin } from './token.ts';

/** Six digits: what people type, and what autofill looks for. */
export const codeDigits = 6;

/**
 * The six digits of a message, made like its token from the same origin but for another use, so that
 * neither tells anything of the other. The same for every attempt; the bias of the remainder is below
 * 2^-230. Throws `UnknownKeyVersion` when the ring has no key of that version.
 */
export const deriveCode = (ring: KeyRing, origin: TokenOrigin): Secret => {
  const use = Buffer.from(`reconfirm-code-1\0${origin.purpose}\0${origin.messageId}\0`);
  const mac = hmacSha256(keyOfVersion(ring, origin.keyVersion), use, origin.nonce);
  const number = BigInt(`0x${mac.toString('hex')}`) % 10n ** BigInt(codeDigits);
  return new Secret(number.toString().padStart(codeDigits, '0'));
};

/**
 * What is stored of a code: a hash under a key that is not in the database, and bound to its message. A
 * million codes are tried in a second, so a plain hash would hide nothing (declared deviation from
 * ASVS 5.0, 6.5.2: a password hash falls to a million guesses as well).
 */
export const hashCode = (key: Secret, messageId: string, code: string): Buffer =>
  keyedHash(key, 'code', messageId, code);

/** Zeros of the decimal digits that keyboards and autofill produce: ASCII, Arabic-Indic, Persian, Devanagari, full-width. */
const zeros = [0x30, 0x660, 0x6f0, 0x966, 0xff10] as const;

const asciiDigit = (character: string): string => {
  const point = character.codePointAt(0) ?? 0;
  const zero = zeros.find((z) => point >= z && point <= z + 9);
  return zero === undefined ? character : String(point - zero);
};

/** Spaces of any kind, hyphens and dashes, dots, and the invisible marks that right-to-left text is copied with. */
const separators = /[\s\u00a0\u2000-\u200f\u2010-\u2015\u202a-\u202e\u2066-\u2069\ufeff.\-\u2212]/g;

/**
 * A code as it was typed or pasted, in its stored spelling; undefined when it is not six digits. Digits of
 * other scripts and the spaces, dashes and marks around and between them are forgiven, nothing else.
 */
export const readCode = (typed: string): string | undefined => {
  if (typed.length > 64) return undefined;
  const digits = Array.from(typed.replace(separators, ''), asciiDigit).join('');
  return /^\d{6}$/.test(digits) ? digits : undefined;
};
