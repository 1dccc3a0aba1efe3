import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** A key's algorithm follows from its kind and from nothing that a token says (RFC 8725, 3.1). */
export type SessionAlgorithm = 'ES256' | 'EdDSA';

/** One key that signs access tokens. Key objects print nothing of what they hold. */
export interface SessionKey {
  readonly kid: string;
  readonly algorithm: SessionAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Keys of access tokens. The newest signs; all verify, and all are published. */
export interface SessionKeyRing {
  readonly newest: SessionKey;
  readonly keys: readonly SessionKey[];
}

interface Problem {
  readonly problem: string;
}

/**
 * Reads `kid:<base64 of PKCS 8>,kid:<base64 of PKCS 8>`; the last of the list is the newest. Order and not
 * the name decides, so that a key can be published (put first) before it signs (put last). Returns the
 * problem as a sentence instead of throwing, so that all settings are reported at once.
 */
export const parseSessionKeys = (text: string): SessionKeyRing | Problem => {
  const keys: SessionKey[] = [];
  for (const part of text.split(',')) {
    const match = /^\s*([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/_-]+={0,2})\s*$/.exec(part);
    const [kid, encoded] = [match?.[1], match?.[2]];
    if (kid === undefined || encoded === undefined)
      return { problem: 'must be a list like 2026-11:<base64 of PKCS 8>,2027-02:<base64 of PKCS 8>' };
    if (keys.some((key) => key.kid === kid)) return { problem: `key ${kid} is given twice` };
    const key = readKey(kid, encoded);
    if ('problem' in key) return key;
    keys.push(key);
  }
  const newest = keys.at(-1);
  return newest === undefined ? { problem: 'must hold at least one key' } : { newest, keys };
};

const readKey = (kid: string, encoded: string): SessionKey | Problem => {
  const privateKey = readPkcs8(encoded);
  if (privateKey === undefined)
    return {
      problem: `key ${kid} must be the base64 of a private key in PKCS 8 DER (make one: openssl genpkey -algorithm ed25519 -outform DER | openssl base64 -A)`,
    };
  const algorithm = algorithmOf(privateKey);
  if (algorithm === undefined)
    return { problem: `key ${kid} must be of the kind Ed25519 or EC P-256; this one is another` };
  return { kid, algorithm, privateKey, publicKey: createPublicKey(privateKey) };
};

const readPkcs8 = (encoded: string): KeyObject | undefined => {
  try {
    return createPrivateKey({ key: Buffer.from(encoded, 'base64'), format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
};

const algorithmOf = (key: KeyObject): SessionAlgorithm | undefined => {
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return isP256 ? 'ES256' : undefined;
};
