import { randomBytes } from 'node:crypto';
import type { Destination } from '@reconfirm/core/destination';
import type { LimitDecision } from '@reconfirm/core/limits';
import { uuidV7 } from '@reconfirm/core/message-id';
import { type PasswordPolicy, type PasswordProblem, passwordProblems } from '@reconfirm/core/password';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { Secret } from '@reconfirm/core/secret';
import type { MessageRequest } from '@reconfirm/db/accept-messages';
import type { ChargeForgotten } from '@reconfirm/db/charged-transaction';
import type { AskedAccount } from '@reconfirm/db/sign-ups';
import type { JudgeDisposable } from '@reconfirm/process/disposable-domains';
import type { CaptchaGate, GateRefusal } from './captcha/gate.ts';
import type { ContractRules, RulesOf } from './contract-rules.ts';
import type { Limiter } from './limiter/limiter.ts';
import { writeCharged } from './limiter/write-charged.ts';
import { chargesOf, type KeySettings, makeRequestKeys, type RequestKeys } from './request-keys.ts';
import {
  mayGiveBack,
  messageRequestOf,
  type ResendOutcome,
  type SmsIntake,
  withoutCharge,
} from './resend.ts';
import type { Passwords } from './sessions/passwords.ts';
import { writeFault } from './write-fault.ts';
import type { Ring } from './intake.ts';

export interface SignUpCommand {
  readonly organizationId: string;
  readonly destination: Destination;
  /** What the message is for: a sign-up, or a sign-in that makes the account where there is none. */
  readonly purpose: Purpose;
  /** Counts only once the message that it came with is confirmed, and only for a new account. */
  readonly password: Secret | null;
  /** How the account is called that is made. */
  readonly name?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly locale: string | null;
  readonly redirectUrl: string | null;
  readonly clientAddress: string;
  /** What the captcha's widget gave. */
  readonly captchaAnswer?: string | undefined;
  readonly context: NonNullable<MessageRequest['context']>;
}

export type SignUpOutcome =
  | {
      readonly kind: 'accepted';
      readonly messageId: string;
      /** The account's, if there was none before; else nobody's. */
      readonly accountId: string;
      readonly limits: readonly LimitDecision[];
    }
  | { readonly kind: 'weak'; readonly problems: readonly PasswordProblem[] }
  | { readonly kind: 'email_off' }
  /** Refused by its domain, whoever has it. */
  | { readonly kind: 'disposable_address' }
  | Extract<ResendOutcome, { kind: 'sms_refused' }>
  | GateRefusal;

export interface SignUpDependencies {
  readonly keys: KeySettings;
  readonly rulesOf: RulesOf;
  readonly limiter: Limiter;
  readonly sms: SmsIntake;
  readonly captchaGate: CaptchaGate;
  readonly judgeDisposable: JudgeDisposable;
  readonly policy: PasswordPolicy;
  readonly passwords: Pick<Passwords, 'hash'>;
  /** Makes the account unless it is there, and accepts the message, all or nothing. */
  readonly write: (
    account: AskedAccount,
    message: MessageRequest,
    passwordHash: string | null,
  ) => Promise<'accepted' | ChargeForgotten>;
  readonly ring: Ring;
}

export type SignUp = (command: SignUpCommand) => Promise<SignUpOutcome>;

/**
 * Asks for an account and its message in one step, and tells nobody whether there was an account: limits,
 * hash and statements are the same for a free address, one that waits and one that is proved. Whoever has
 * the mailbox finds out.
 */
export const createSignUp = (deps: SignUpDependencies): SignUp => {
  return async (command) => {
    const rules = deps.rulesOf(command.organizationId);
    const unserved = refuseDestination(command, rules);
    if (unserved !== null) return unserved;
    const problems =
      command.password === null ? [] : passwordProblems(deps.policy, command.password.reveal());
    if (problems.length > 0) return { kind: 'weak', problems };
    const keys = makeRequestKeys(deps.keys, { ...command, limits: rules.limits });
    const limiter = limiterOf(command);
    const ip = await limiter.charge(keys.ip, keys.chargeId);
    try {
      return await decideCharged(command, keys, ip);
    } catch (error) {
      if (mayGiveBack(error, keys))
        await Promise.allSettled([
          limiter.refund(keys.ip, keys.chargeId),
          limiter.refund(keys.address, keys.chargeId),
        ]);
      throw error;
    }
  };

  /** Why nothing goes there, before any limit is charged. It depends on nobody's account. */
  function refuseDestination(
    { organizationId, destination }: SignUpCommand,
    rules: ContractRules,
  ): Extract<SignUpOutcome, { kind: 'email_off' | 'disposable_address' | 'sms_refused' }> | null {
    if (destination.channel === 'email') {
      if (rules.refusesWhileEmailIsOff) return { kind: 'email_off' };
      const { policy, isDisposable } = deps.judgeDisposable(organizationId, destination.address);
      return policy === 'refuse' && isDisposable ? { kind: 'disposable_address' } : null;
    }
    const reason = deps.sms.refusalOf(destination);
    return reason === null ? null : { kind: 'sms_refused', reason };
  }

  function limiterOf({ destination }: SignUpCommand): Limiter {
    return destination.channel === 'sms' ? deps.sms.limiter : deps.limiter;
  }

  /** What is refused by a limit or a captcha costs the client nothing. */
  async function refuse(
    command: SignUpCommand,
    keys: RequestKeys,
    ip: LimitDecision,
    refusal: GateRefusal,
  ): Promise<SignUpOutcome> {
    if (ip.allowed) await limiterOf(command).refund(keys.ip, keys.chargeId);
    return withoutCharge(refusal, ip);
  }

  async function decideCharged(
    command: SignUpCommand,
    keys: RequestKeys,
    ip: LimitDecision,
  ): Promise<SignUpOutcome> {
    const refusal = await deps.captchaGate(ip, {
      keys,
      action: 'register',
      channel: command.destination.channel,
      clientAddress: command.clientAddress,
      answer: command.captchaAnswer,
    });
    if (refusal !== null && refusal !== 'passed') return refuse(command, keys, ip, refusal);
    const address = await limiterOf(command).charge(keys.address, keys.chargeId);
    if (!address.allowed)
      return refuse(command, keys, ip, { kind: 'limited', by: address, limits: [ip, address] });
    const passwordHash = command.password === null ? null : await deps.passwords.hash(command.password);
    const accountId = uuidV7(Date.now(), randomBytes(10));
    const message = messageRequestOf(
      { ...command, contract: deps.rulesOf(command.organizationId).contract },
      keys,
    );
    const account: AskedAccount = { ...command, id: accountId, addressKey: keys.addressKey };
    const charged = { limiter: limiterOf(command), charges: chargesOf(keys, ip), limits: [ip, address] };
    const outcome = await writeCharged(charged, (limitMemory) =>
      deps.write(account, { ...message, limitMemory }, passwordHash).catch((cause: unknown) => {
        throw writeFault(cause);
      }),
    );
    if (outcome.kind === 'limited') return outcome;
    deps.ring(keys.messageId, command.purpose);
    return { kind: 'accepted', messageId: keys.messageId, accountId, limits: outcome.limits };
  }
};
