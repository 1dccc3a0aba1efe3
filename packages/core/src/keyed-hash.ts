import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { Secret } from './secret.ts';

/**
 * Given bytes, createHmac first finds out what they are not, which costs five times the hash itself
 * (25 us against 5, Node 24.21); a key object is made once for each secret and lives as long as it.
 */
const keyObjects = new WeakMap<Secret, KeyObject>();

const keyObjectOf = (key: Secret): KeyObject => {
  const known = keyObjects.get(key);
  if (known !== undefined) return known;
  const made = createSecretKey(Buffer.from(key.reveal(), 'base64'));
  keyObjects.set(key, made);
  return made;
};

/**
 * A keyed hash of parts, 32 bytes. Addresses and client addresses are stored, compared, counted and
 * logged only in this form. Each part is preceded by its length, so that ("ab","c") and ("a","bc") differ.
 */
export const keyedHash = (key: Secret, ...parts: readonly string[]): Buffer => {
  const text = parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('');
  return createHmac('sha256', keyObjectOf(key)).update(text).digest();
};

/**
 * A hash for one use, made of a keyed hash: nobody can make it who cannot make the keyed one, and it
 * costs a third of it.
 */
export const derivedHash = (use: string, keyed: Uint8Array): Buffer =>
  hash('sha256', `${use}:${Buffer.from(keyed).toString('base64')}`, 'buffer');

/** Eight hex digits of a keyed hash: enough to follow one address through the log, useless to find it. */
export const logLabel = (keyed: Uint8Array): string => `h:${Buffer.from(keyed).toString('hex', 0, 4)}`;
