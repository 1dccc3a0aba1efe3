import { hash } from 'node:crypto';
import type { Secret } from './secret.ts';

/** SHA-256's. */
const blockSizeBytes = 64;

/** By way of a string: bytes that a native call makes cost three times the bytes of a string (Node 24.21). */
const sha256 = (data: string | Uint8Array): Buffer => Buffer.from(hash('sha256', data, 'binary'), 'binary');

interface Pads {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

/** The key as HMAC uses it (RFC 2104, section 2), made once for each secret and living as long as it. */
const padsBySecret = new WeakMap<Secret, Pads>();

const xored = (bytes: Buffer, mask: number): Buffer => Buffer.from(bytes.map((byte) => byte ^ mask));

const padsOf = (secret: Secret): Pads => {
  const known = padsBySecret.get(secret);
  if (known !== undefined) return known;
  const key = Buffer.from(secret.reveal(), 'base64');
  const short = key.length > blockSizeBytes ? sha256(key) : key;
  const padded = Buffer.alloc(blockSizeBytes);
  short.copy(padded);
  const made = { inner: xored(padded, 0x36), outer: xored(padded, 0x5c) };
  padsBySecret.set(secret, made);
  return made;
};

/**
 * HMAC-SHA256 (RFC 2104) under the bytes that `key` holds in base64. Two plain hashes: createHmac makes
 * objects that cost more than the hashing, and more again when they are collected, together a tenth of a
 * resend's CPU (Node 24.21).
 */
export const hmacSha256 = (key: Secret, ...data: readonly Uint8Array[]): Buffer => {
  const { inner, outer } = padsOf(key);
  return sha256(Buffer.concat([outer, sha256(Buffer.concat([inner, ...data]))]));
};

/**
 * A keyed hash of parts, 32 bytes. Addresses and client addresses are stored, compared, counted and logged
 * only in this form. Each part is preceded by its length, so that ("ab","c") and ("a","bc") differ.
 */
export const keyedHash = (key: Secret, ...parts: readonly string[]): Buffer =>
  hmacSha256(key, Buffer.from(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('')));

/**
 * A hash for one use, made of a keyed hash: nobody can make it who cannot make the keyed one, and it
 * costs a third of it.
 */
export const derivedHash = (use: string, keyed: Uint8Array): Buffer =>
  sha256(`${use}:${Buffer.from(keyed).toString('base64')}`);

/** Eight hex digits of a keyed hash: enough to follow one address through the log, useless to find it. */
export const logLabel = (keyed: Uint8Array): string => `h:${Buffer.from(keyed).toString('hex', 0, 4)}`;
