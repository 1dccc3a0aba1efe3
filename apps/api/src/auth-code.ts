import { createHash, randomBytes } from 'node:crypto';
import { s256Of } from '@reconfirm/core/code-challenge';
import { Secret } from '@reconfirm/core/secret';
import type { CodeExchange, NewAuthCode } from '@reconfirm/db/auth-codes';

/** A redirect and one call: RFC 6749, 4.1.2 recommends ten minutes at most. */
const ttlSeconds = 300;

export interface AuthCodes {
  /** A code that stands for a session of the account, for whoever has the verifier of the challenge. */
  issue(accountId: string, challenge: string): Promise<Secret>;
  /** Once. A wrong verifier leaves it as it was. */
  exchange(code: string, verifier: string): Promise<CodeExchange>;
}

export const createAuthCodes = (store: {
  readonly create: (code: NewAuthCode) => Promise<void>;
  readonly exchange: (codeHash: Uint8Array, challenge: string) => Promise<CodeExchange>;
}): AuthCodes => ({
  issue: async (accountId, challenge) => {
    const code = randomBytes(32).toString('base64url');
    await store.create({ codeHash: hashOf(code), accountId, challenge, ttlSeconds });
    return new Secret(code);
  },
  exchange: (code, verifier) => store.exchange(hashOf(code), s256Of(verifier)),
});

const hashOf = (code: string): Buffer => createHash('sha256').update(code).digest();
