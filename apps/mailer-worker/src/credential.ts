import { deriveCode, hashCode } from '@reconfirm/core/code';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { Secret } from '@reconfirm/core/secret';
import { deriveToken, hashToken, type KeyRing, nonceSizeBytes } from '@reconfirm/core/token';
import type { ClaimedMessage } from '@reconfirm/db/claims';
import { drawRandom } from '@reconfirm/process/random-pool';

/** What a message brings to its reader, and what is stored of it. */
export interface Credential {
  readonly token: Secret;
  readonly tokenHash: Buffer;
  /** Null for a purpose without a code. */
  readonly code: Secret | null;
  readonly codeHash: Buffer | null;
  readonly nonce: Uint8Array;
  readonly keyVersion: number;
}

export interface CredentialKeys {
  readonly ring: KeyRing;
  /** Key of the hashes under which codes are stored. */
  readonly codeHashKey: Secret;
}

/**
 * The same nonce and key version give the same token and code on every attempt. Null when the key ring
 * makes another token than the one that was stored: a link that cannot work must not be sent.
 */
export const deriveCredential = (
  claimed: Pick<ClaimedMessage, 'id' | 'token'>,
  purpose: Purpose,
  { ring, codeHashKey }: CredentialKeys,
): Credential | null => {
  const nonce = claimed.token?.nonce ?? drawRandom(nonceSizeBytes);
  const keyVersion = claimed.token?.keyVersion ?? ring.newestVersion;
  if (!ring.keys.has(keyVersion)) return null;
  const origin = { keyVersion, messageId: claimed.id, purpose: purpose.name, nonce };
  const token = deriveToken(ring, origin);
  const tokenHash = hashToken(token.reveal());
  if (claimed.token !== null && !tokenHash.equals(claimed.token.hash)) return null;
  const code = purpose.credential === 'link' ? null : deriveCode(ring, origin);
  const codeHash = code === null ? null : hashCode(codeHashKey, claimed.id, code.reveal());
  return { token, tokenHash, code, codeHash, nonce, keyVersion };
};
