import { type PasswordPolicy, type PasswordProblem, passwordProblems } from '@reconfirm/core/password';
import type { PurposeName } from '@reconfirm/core/purposes/registry';
import type { Secret } from '@reconfirm/core/secret';
import { hashToken } from '@reconfirm/core/token';
import type { KnownToken, Presented, TokenFacts } from '@reconfirm/db/token-state';
import type { Confirmation } from '@reconfirm/db/verifications';
import type { Passwords } from './sessions/passwords.ts';
import { writeFault } from './write-fault.ts';

export interface SetPasswordByTokenCommand {
  readonly token: Secret;
  readonly password: Secret;
  /** Whose tokens are taken here; all others are unknown. */
  readonly purposes: readonly PurposeName[];
  readonly policy: PasswordPolicy;
}

type Dead = 'expired' | 'used' | 'superseded' | 'revoked' | 'suspended';

/** Everything that setting a password by a mailed link can come to; each dialect has an answer for each. */
export type SetPasswordByTokenOutcome =
  | { readonly kind: 'set'; readonly token: KnownToken }
  | { readonly kind: 'weak'; readonly problems: readonly PasswordProblem[] }
  | { readonly kind: Dead; readonly purpose: string }
  | { readonly kind: 'unknown' };

export interface SetPasswordByTokenDependencies {
  readonly passwords: Pick<Passwords, 'hash'>;
  readonly readToken: (presented: Presented) => Promise<TokenFacts>;
  /** Uses the token and stores the hash, all or nothing; every session that the account had ends. */
  readonly confirmAndStore: (
    presented: Presented,
    purposes: readonly string[],
    passwordHash: string,
  ) => Promise<Confirmation>;
}

export type SetPasswordByToken = (command: SetPasswordByTokenCommand) => Promise<SetPasswordByTokenOutcome>;

/**
 * Sets a password by the link of an invitation or a recovery, which proves the address too. A token is
 * looked at before a password is hashed, so that whoever has none cannot make us work; and it is used up
 * only by a password that is taken.
 */
export const createSetPasswordByToken =
  (deps: SetPasswordByTokenDependencies): SetPasswordByToken =>
  async ({ token, password, purposes, policy }) => {
    const presented: Presented = { by: 'link', tokenHash: hashToken(token.reveal()) };
    const dead = deadOf(await deps.readToken(presented), purposes);
    if (dead !== null) return dead;
    const problems = passwordProblems(policy, password.reveal());
    if (problems.length > 0) return { kind: 'weak', problems };
    const passwordHash = await deps.passwords.hash(password);
    const used = await deps.confirmAndStore(presented, purposes, passwordHash).catch((cause: unknown) => {
      throw writeFault(cause);
    });
    const lost = deadOf(used, purposes);
    if (lost !== null) return lost;
    return used.state === 'live' ? { kind: 'set', token: used } : { kind: 'unknown' };
  };

/** Why a token sets no password; null for one that does. */
export const deadOf = (
  facts: Confirmation,
  purposes: readonly string[],
): Exclude<SetPasswordByTokenOutcome, { readonly kind: 'set' | 'weak' }> | null => {
  if (facts.state === 'unknown' || !purposes.includes(facts.purpose)) return { kind: 'unknown' };
  const { purpose } = facts;
  switch (facts.state) {
    case 'live':
      return null;
    case 'consumed':
      return { kind: 'used', purpose };
    case 'superseded':
      return { kind: facts.isRevoked ? 'revoked' : 'superseded', purpose };
    case 'expired':
    case 'suspended':
      return { kind: facts.state, purpose };
    case 'address_taken':
    case 'other_purpose':
      return { kind: 'unknown' };
  }
};
