import { createHash } from 'node:crypto';

/** RFC 7636, 4.1 and 4.2: 43 to 128 unreserved characters, for verifier and challenge alike. */
const allowed = /^[A-Za-z0-9._~-]+$/;
const sizeMin = 43;
const sizeMax = 128;

export type CodeChallengeProblem = 'incomplete' | 'size' | 'characters' | 'method';

/** A challenge as it is kept: always the hash of the verifier, so that what is stored is never the verifier itself. */
export interface CodeChallenge {
  readonly s256: string;
}

/** BASE64URL(SHA-256(verifier)), RFC 7636, 4.6. */
export const s256Of = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/**
 * Reads what a client sent for PKCE: null when it sent neither challenge nor method. The method `plain`,
 * where the challenge is the verifier, is hashed at once and judged like S256 from then on.
 */
export const readCodeChallenge = (
  challenge: string | null | undefined,
  method: string | null | undefined,
): CodeChallenge | null | { readonly problem: CodeChallengeProblem } => {
  const [given, by] = [challenge ?? '', (method ?? '').toLowerCase()];
  if (given === '' && by === '') return null;
  if (given === '' || by === '') return { problem: 'incomplete' };
  if (by !== 's256' && by !== 'plain') return { problem: 'method' };
  if (given.length < sizeMin || given.length > sizeMax) return { problem: 'size' };
  if (!allowed.test(given)) return { problem: 'characters' };
  return { s256: by === 'plain' ? s256Of(given) : given };
};
