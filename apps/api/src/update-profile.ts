import type { Destination } from '@reconfirm/core/destination';
import type { LimitDecision } from '@reconfirm/core/limits';
import { type PasswordPolicy, type PasswordProblem, passwordProblems } from '@reconfirm/core/password';
import type { Secret } from '@reconfirm/core/secret';
import type { AccountProfile } from '@reconfirm/db/account-profile';
import type { ChangeContact, ChangeContactCommand } from './change-contact.ts';
import type { ResendOutcome } from './resend.ts';
import type { Passwords } from './sessions/passwords.ts';
import type { SetPassword } from './set-password.ts';

/** What a signed-in account wishes to be otherwise. Null: as it is. */
export interface UpdateProfileCommand extends Pick<
  ChangeContactCommand,
  'organizationId' | 'accountId' | 'redirectUrl' | 'locale' | 'clientAddress' | 'context'
> {
  readonly sessionId: string | null;
  readonly email: Destination | null;
  readonly phone: Destination | null;
  readonly password: Secret | null;
  /** Members that are null are taken out. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

export type UpdateProfileOutcome =
  | { readonly kind: 'updated'; readonly profile: AccountProfile }
  | { readonly kind: 'weak'; readonly problems: readonly PasswordProblem[] }
  | { readonly kind: 'same_password' }
  | { readonly kind: 'unknown_account' }
  | Extract<ResendOutcome, { kind: 'sms_refused' }>
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

export interface UpdateProfileDependencies {
  readonly policy: PasswordPolicy;
  readonly findProfile: (accountId: string) => Promise<AccountProfile | undefined>;
  readonly readEmail: (text: string) => Destination | undefined;
  readonly readPhone: (text: string) => Destination | undefined;
  readonly changeContact: ChangeContact;
  readonly passwords: Pick<Passwords, 'verify'>;
  readonly setPassword: SetPassword;
  readonly mergeMetadata: (accountId: string, members: Readonly<Record<string, unknown>>) => Promise<void>;
}

export type UpdateProfile = (command: UpdateProfileCommand) => Promise<UpdateProfileOutcome>;

type Refusal = Exclude<UpdateProfileOutcome, { readonly kind: 'updated' }>;

/**
 * Changes an account on its own word: what can be refused comes first, so that nothing is half done. New
 * addresses are only asked for here; they become the account's when they have confirmed.
 */
export const createUpdateProfile = (deps: UpdateProfileDependencies): UpdateProfile => {
  return async (command) => {
    const before = await deps.findProfile(command.accountId);
    if (before === undefined) return { kind: 'unknown_account' };
    const refusal =
      (await judgePassword(command, before)) ??
      // The number first: it alone can be one that nothing is sent to.
      (await askFor(command, command.phone, currentPhone(before))) ??
      (await askFor(command, command.email, currentEmail(before))) ??
      (await storePassword(command));
    if (refusal !== null) return refusal;
    if (command.metadata !== null) await deps.mergeMetadata(command.accountId, command.metadata);
    const profile = await deps.findProfile(command.accountId);
    return profile === undefined ? { kind: 'unknown_account' } : { kind: 'updated', profile };
  };

  async function judgePassword(
    { password }: UpdateProfileCommand,
    before: AccountProfile,
  ): Promise<Refusal | null> {
    if (password === null) return null;
    const problems = passwordProblems(deps.policy, password.reveal());
    if (problems.length > 0) return { kind: 'weak', problems };
    const isSame =
      before.passwordHash !== null && (await deps.passwords.verify(before.passwordHash, password));
    return isSame ? { kind: 'same_password' } : null;
  }

  async function askFor(
    command: UpdateProfileCommand,
    to: Destination | null,
    current: ChangeContactCommand['current'],
  ): Promise<Refusal | null> {
    if (to === null) return null;
    const outcome = await deps.changeContact({ ...command, to, current });
    switch (outcome.kind) {
      case 'asked':
      case 'same_address':
        return null;
      case 'unknown_account':
      case 'sms_refused':
      case 'limited':
        return outcome;
    }
  }

  async function storePassword(command: UpdateProfileCommand): Promise<Refusal | null> {
    if (command.password === null) return null;
    const outcome = await deps.setPassword({
      accountId: command.accountId,
      password: command.password,
      spareSessionId: command.sessionId,
      policy: deps.policy,
    });
    return outcome.kind === 'set' ? null : outcome;
  }

  function currentEmail({ email, emailVerifiedAt }: AccountProfile): ChangeContactCommand['current'] {
    const destination = email === null ? undefined : deps.readEmail(email);
    return destination === undefined ? null : { destination, isVerified: emailVerifiedAt !== null };
  }

  function currentPhone({ phone, phoneVerifiedAt }: AccountProfile): ChangeContactCommand['current'] {
    const destination = phone === null ? undefined : deps.readPhone(phone);
    return destination === undefined ? null : { destination, isVerified: phoneVerifiedAt !== null };
  }
};
