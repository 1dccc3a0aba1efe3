import { type PasswordPolicy, type PasswordProblem, passwordProblems } from '@reconfirm/core/password';
import type { Secret } from '@reconfirm/core/secret';
import type { Passwords } from './sessions/passwords.ts';
import { writeFault } from './write-fault.ts';

export interface SetPasswordCommand {
  /** Whoever asks has proved to be this account. */
  readonly accountId: string;
  readonly password: Secret;
  /** The session that asks and stays; null ends all. */
  readonly spareSessionId: string | null;
  /** Where the contract asks for more than the installation does. */
  readonly policy?: PasswordPolicy;
}

export type SetPasswordOutcome =
  | { readonly kind: 'set'; readonly endedSessions: number }
  | { readonly kind: 'weak'; readonly problems: readonly PasswordProblem[] }
  | { readonly kind: 'unknown_account' };

export interface SetPasswordDependencies {
  readonly policy: PasswordPolicy;
  readonly passwords: Pick<Passwords, 'hash'>;
  /** Stores it, ends the other sessions and writes the event, all or nothing. */
  readonly store: (
    accountId: string,
    passwordHash: string,
    spareSessionId: string | null,
  ) => Promise<{ readonly endedSessions: number } | undefined>;
}

export type SetPassword = (command: SetPasswordCommand) => Promise<SetPasswordOutcome>;

/** Sets an account's password and signs out every other place that it is signed in at (ASVS 5.0, 7.4.3). */
export const createSetPassword =
  (deps: SetPasswordDependencies): SetPassword =>
  async ({ accountId, password, spareSessionId, policy = deps.policy }) => {
    const problems = passwordProblems(policy, password.reveal());
    if (problems.length > 0) return { kind: 'weak', problems };
    const passwordHash = await deps.passwords.hash(password);
    const stored = await deps.store(accountId, passwordHash, spareSessionId).catch((cause: unknown) => {
      throw writeFault(cause);
    });
    return stored === undefined ? { kind: 'unknown_account' } : { kind: 'set', ...stored };
  };
