import { createHash } from 'node:crypto';
import { hmacSha256 } from './keyed-hash.ts';
import { Secret } from './secret.ts';

/** Keys that derive tokens, by version. The highest version signs; the others still verify retries. */
export interface KeyRing {
  readonly newestVersion: number;
  readonly keys: ReadonlyMap<number, Secret>;
}

/** 256 bits as 64 hex digits: the shape that the v1 contract documents. */
export const tokenPattern = '^[0-9a-f]{64}$';

/** Bytes of randomness a message brings to its token besides the key (128 bits). */
export const nonceSizeBytes = 16;

/**
 * Reads `1:<base64>,2:<base64>`; versions are positive integers and each key at least 32 bytes.
 * Returns the problem as a sentence instead of throwing, so that all settings are reported at once.
 */
export const parseKeyRing = (text: string): KeyRing | { readonly problem: string } => {
  const keys = new Map<number, Secret>();
  for (const part of text.split(',')) {
    const match = /^\s*([1-9][0-9]{0,8}):([A-Za-z0-9+/_-]+={0,2})\s*$/.exec(part);
    const version = Number(match?.[1]);
    const encoded = match?.[2];
    if (encoded === undefined) return { problem: 'must be a list like 1:<base64>,2:<base64>' };
    const sizeBytes = Buffer.from(encoded, 'base64').length;
    if (sizeBytes < 32) return { problem: `key ${version} has ${sizeBytes} bytes; at least 32 are needed` };
    if (keys.has(version)) return { problem: `key ${version} is given twice` };
    keys.set(version, new Secret(encoded));
  }
  return { newestVersion: Math.max(...keys.keys()), keys };
};

export interface TokenOrigin {
  readonly keyVersion: number;
  readonly messageId: string;
  readonly purpose: string;
  /** `nonceSizeBytes` random bytes kept with the message until it is settled. */
  readonly nonce: Uint8Array;
}

/**
 * The token of a message: HMAC-SHA-256 over purpose, message id and nonce. The same origin gives the
 * same token for ever, so every retry and every duplicate carries the same link, and nobody without
 * both the key and the row can make it. Throws when the ring has no key of that version.
 */
export const deriveToken = (ring: KeyRing, origin: TokenOrigin): Secret => {
  // Purpose and id hold no NUL, so the parts cannot run into each other.
  const use = Buffer.from(`reconfirm-token-1\0${origin.purpose}\0${origin.messageId}\0`);
  return new Secret(hmacSha256(keyOfVersion(ring, origin.keyVersion), use, origin.nonce).toString('hex'));
};

/** One key of the ring, in base64. Throws `UnknownKeyVersion`. */
export const keyOfVersion = (ring: KeyRing, version: number): Secret => {
  const key = ring.keys.get(version);
  if (key === undefined) throw new UnknownKeyVersion(version);
  return key;
};

/** The ring lacks a key that a stored message needs: a wrong or too early rotation. */
export class UnknownKeyVersion extends Error {
  constructor(version: number) {
    super(`TOKEN_KEYS has no key of version ${version}; add it back until its messages have expired`);
    this.name = 'UnknownKeyVersion';
  }
}

/**
 * What is stored of a token. A plain hash is enough for 256 random bits (ASVS 5.0, 6.5.2 asks a
 * password hash only below 112 bits), and lets the verify path work without the key.
 */
export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest();
