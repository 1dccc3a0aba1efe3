import { timingSafeEqual } from 'node:crypto';
import { keyedHash } from '../keyed-hash.ts';
import { type KeyRing, UnknownKeyVersion } from '../token.ts';

/**
 * Eighty bits: enough against guessing at a server that takes some hundred tries a second, and short
 * enough for the local part. 2 + 32 + 1 + 9 + 1 + 16 characters are 61 of the 64 that RFC 5321,
 * 4.5.3.1.1 allows.
 */
const macSizeBytes = 10;
const prefix = 'b+';
const tagPattern = /^([0-9a-f]{32})\.([1-9][0-9]{0,8})\.([a-z2-7]{16})$/i;
const addressInText = /\bb\+[0-9a-f]{32}\.[1-9][0-9]{0,8}\.[a-z2-7]{16}@[a-z0-9.-]{1,253}/gi;

/** RFC 4648, section 6, in small letters: some servers fold the case of a local part. */
const base32 = (bytes: Uint8Array): string => {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  let text = '';
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    heldBits += 8;
    while (heldBits >= 5) {
      heldBits -= 5;
      text += alphabet[(held >> heldBits) & 31] ?? '';
    }
    held &= (1 << heldBits) - 1;
  }
  return text;
};

/** Undefined for a version that the ring does not have. */
const macOf = (ring: KeyRing, version: number, messageId: string): string | undefined => {
  const key = ring.keys.get(version);
  // The parts are preceded by their lengths, which no other use of these keys begins with.
  return key === undefined
    ? undefined
    : base32(keyedHash(key, 'reconfirm-bounce-1', messageId).subarray(0, macSizeBytes));
};

/**
 * What proves that a report is about a message: `<message id>.<key version>.<MAC>`, made under the
 * newest key of the ring. Only the servers and the person that the mail went to have seen it, so a
 * forger can fail his own message and no other. Throws `UnknownKeyVersion` for a ring without keys.
 */
export const bounceTag = (ring: KeyRing, messageId: string): string => {
  const version = ring.newestVersion;
  const mac = macOf(ring, version, messageId);
  if (mac === undefined) throw new UnknownKeyVersion(version);
  return `${messageId.replaceAll('-', '')}.${version}.${mac}`;
};

/** The envelope sender of a message (a variable envelope return path): a bounce comes back to it. */
export const bounceAddress = (tag: string, domain: string): string => `${prefix}${tag}@${domain}`;

const isSame = (given: string, expected: string): boolean =>
  given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));

/** The message that a tag proves, in any case of its letters; undefined for everything that we did not make. */
export const readBounceTag = (ring: KeyRing, text: string): string | undefined => {
  const match = tagPattern.exec(text.trim());
  if (match === null) return undefined;
  const [, hex = '', version = '', mac = ''] = match;
  const digits = hex.toLowerCase();
  const messageId = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
  const expected = macOf(ring, Number(version), messageId);
  return expected !== undefined && isSame(mac.toLowerCase(), expected) ? messageId : undefined;
};

/** The message that an address at the bounce domain (in small letters) proves. */
export const readBounceAddress = (ring: KeyRing, domain: string, address: string): string | undefined => {
  const at = address.lastIndexOf('@');
  if (at < 0 || address.slice(at + 1).toLowerCase() !== domain) return undefined;
  if (address.slice(0, prefix.length).toLowerCase() !== prefix) return undefined;
  return readBounceTag(ring, address.slice(prefix.length, at));
};

/** Everything in a text that has the shape of a bounce address, at any domain and not yet verified. */
export const bounceAddressesIn = (text: string): readonly string[] => text.match(addressInText) ?? [];
