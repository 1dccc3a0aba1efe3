import type { AccountStatus } from '@reconfirm/core/account';
import type { Destination } from '@reconfirm/core/destination';
import { purposes } from '@reconfirm/core/purposes/registry';
import { addressKeyOf, type KeySettings } from './request-keys.ts';
import type { Resend, ResendCommand, ResendOutcome } from './resend.ts';
import type { SignUp, SignUpCommand, SignUpOutcome } from './sign-up.ts';

/** A sign-in without a password: link and code by mail, or a code by SMS. */
export interface OneTimeCodeCommand extends Pick<
  ResendCommand,
  'organizationId' | 'destination' | 'redirectUrl' | 'locale'
> {
  readonly clientAddress: string;
  readonly context: SignUpCommand['context'];
  /** Kept with the account if this request makes it. */
  readonly metadata: SignUpCommand['metadata'];
  /** Whether somebody unknown gets an account by this. */
  readonly createsAccount: boolean;
}

export type OneTimeCodeOutcome = ResendOutcome | SignUpOutcome | { readonly kind: 'unknown_account' };

export interface OneTimeCodeDependencies {
  readonly keys: KeySettings;
  readonly resend: Resend;
  readonly signUp: SignUp;
  /** Whether anybody may register. */
  readonly isOpen: boolean;
  /** Whether somebody without an account is told so. */
  readonly tellsUnknown: boolean;
  readonly findStatus: (organizationId: string, emailKey: Uint8Array) => Promise<AccountStatus | null>;
}

export type OneTimeCode = (command: OneTimeCodeCommand) => Promise<OneTimeCodeOutcome>;

/** Asks for a one-time code. Unless the setting tells, the answer is the same for the known and the unknown. */
export const createOneTimeCode = (deps: OneTimeCodeDependencies): OneTimeCode => {
  return async (command) => {
    const purpose = command.destination.channel === 'sms' ? purposes.sms : purposes.magiclink;
    if (command.createsAccount && deps.isOpen) return deps.signUp({ ...command, purpose, password: null });
    const outcome = await deps.resend({ ...command, purpose, idempotencyKey: undefined });
    // After the limits, which stay charged: asking who is registered must cost something.
    const tells = deps.tellsUnknown && outcome.kind === 'accepted';
    return tells && (await isUnknown(command)) ? { kind: 'unknown_account' } : outcome;
  };

  async function isUnknown({ organizationId, destination }: OneTimeCodeCommand): Promise<boolean> {
    return isEmail(destination)
      ? (await deps.findStatus(
          organizationId,
          addressKeyOf(deps.keys, organizationId, destination.lookupForm),
        )) === null
      : false;
  }
};

/** Who has which number is told to nobody. */
const isEmail = (destination: Destination): boolean => destination.channel === 'email';
