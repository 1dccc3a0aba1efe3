import { createCipheriv, createDecipheriv } from 'node:crypto';
import { hmacSha256 } from './keyed-hash.ts';
import { Secret } from './secret.ts';
import { type KeyRing, keyOfVersion } from './token.ts';

/** Random bytes that each sealing needs (NIST SP 800-38D, 8.2.2: 96 bits, never twice with one key). */
export const sealNonceSizeBytes = 12;

const versionSizeBytes = 4;
const tagSizeBytes = 16;
const headSizeBytes = versionSizeBytes + sealNonceSizeBytes + tagSizeBytes;

/** A key of its own, so that sealing and deriving tokens share no key although they share a ring. */
const sealingKey = (ring: KeyRing, version: number): Buffer =>
  hmacSha256(keyOfVersion(ring, version), Buffer.from('reconfirm-seal-1'));

/**
 * A secret as it may stand in a row: AES-256-GCM under the newest key of the ring, bound to `context`
 * (whose secret it is), so that a sealed value moved to another row does not open.
 */
export const seal = (ring: KeyRing, secret: Secret, context: string, nonce: Uint8Array): Buffer => {
  const version = Buffer.alloc(versionSizeBytes);
  version.writeUInt32BE(ring.newestVersion);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(ring, ring.newestVersion), nonce, {
    authTagLength: tagSizeBytes,
  });
  cipher.setAAD(Buffer.from(context));
  const text = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()]);
  return Buffer.concat([version, nonce, cipher.getAuthTag(), text]);
};

/** Which key a sealed value needs. */
export const sealedUnder = (sealed: Uint8Array): number => Buffer.from(sealed).readUInt32BE(0);

/** The secret again. Throws `UnknownKeyVersion`, or when the value was changed or belongs to another context. */
export const unseal = (ring: KeyRing, sealed: Uint8Array, context: string): Secret => {
  const bytes = Buffer.from(sealed);
  if (bytes.length < headSizeBytes) throw new Error('a sealed value is too short to be one');
  const nonceEnd = versionSizeBytes + sealNonceSizeBytes;
  const nonce = bytes.subarray(versionSizeBytes, nonceEnd);
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(ring, sealedUnder(bytes)), nonce, {
    authTagLength: tagSizeBytes,
  });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(bytes.subarray(nonceEnd, headSizeBytes));
  return new Secret(
    Buffer.concat([decipher.update(bytes.subarray(headSizeBytes)), decipher.final()]).toString(),
  );
};
