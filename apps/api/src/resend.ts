import type { AccountStatus } from '@reconfirm/core/account';
import { AppError } from '@reconfirm/core/app-error';
import type { Destination } from '@reconfirm/core/destination';
import { type Disclosure, disclose, readsAccount } from '@reconfirm/core/disclosure';
import type { ContractLimits, LimitDecision, LimitState } from '@reconfirm/core/limits';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { SmsRefusal } from '@reconfirm/core/sms-policy';
import type { Acceptance, MessageRequest } from '@reconfirm/db/accept-messages';
import type { Limiter } from './limiter/limiter.ts';
import { type KeySettings, makeRequestKeys, type RequestKeys } from './request-keys.ts';

/** A validated request for another message, the same whatever contract it came in by. */
export interface ResendCommand {
  readonly organizationId: string;
  readonly purpose: Purpose;
  readonly destination: Destination;
  /** Already judged against the allow-list. */
  readonly redirectUrl: string | null;
  readonly locale: string | null;
  readonly clientAddress: string;
  readonly idempotencyKey: string | undefined;
  /** What the contract must remember from here to the confirmation. */
  readonly context?: NonNullable<MessageRequest['context']>;
  /** The change of address that a signed-in account asked for. */
  readonly change?: NonNullable<MessageRequest['change']>;
}

/** Everything that a resend can come to; each dialect has an answer for each. */
export type ResendOutcome =
  | { readonly kind: 'accepted'; readonly messageId: string; readonly limits: readonly LimitDecision[] }
  | { readonly kind: 'replayed'; readonly messageId: string }
  | { readonly kind: 'idempotency_key_reused' }
  | { readonly kind: 'email_off' }
  /** The number alone decides, so that nobody learns from it whose it is. */
  | { readonly kind: 'sms_refused'; readonly reason: 'sms_off' | SmsRefusal }
  | { readonly kind: 'already_verified' }
  | { readonly kind: 'suspended' }
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

/** What is different about a request that ends in an SMS: it costs money. */
export interface SmsIntake {
  /** The limits as they hold for SMS while Redis is away (SMS_LIMITER_ON_ERROR). */
  readonly limiter: Limiter;
  /** Why no SMS may go to a number, or null. */
  readonly refusalOf: (destination: Destination) => SmsRefusal | null;
}

export interface ResendDependencies {
  readonly keys: KeySettings;
  /** Name of the contract that the requests come by, as rows and operators know it. */
  readonly contract: string;
  readonly limits: ContractLimits;
  /** Whether requests are refused because mail is switched off. */
  readonly refusesWhileEmailIsOff: boolean;
  readonly disclosure: Disclosure;
  readonly limiter: Limiter;
  /** Without it the contract takes no request for an SMS. */
  readonly sms?: SmsIntake;
  readonly accept: (request: MessageRequest) => Promise<Acceptance>;
  readonly findStatus: (addressKey: Uint8Array) => Promise<AccountStatus | null>;
  readonly findIdempotent: (
    key: Uint8Array,
  ) => Promise<{ readonly messageId: string; readonly requestHash: Uint8Array } | undefined>;
}

export type Resend = (command: ResendCommand) => Promise<ResendOutcome>;

/**
 * The use case. Until `accept` nothing is read or written that depends on who has an account, unless
 * the contract's disclosure says so; what becomes of the message is found out by the worker.
 */
export const createResend = (deps: ResendDependencies): Resend => {
  return async (command) => {
    const unserved = refuseChannel(command);
    if (unserved !== null) return unserved;
    const keys = makeRequestKeys(deps.keys, {
      ...command,
      limits: deps.limits,
      fingerprint: [command.redirectUrl ?? '', command.locale ?? ''],
    });

    const repeated = await findRepeated(keys);
    if (repeated !== null) return repeated;

    const ip = await limiterOf(command).charge(keys.ip, keys.chargeId);
    if (!ip.allowed) return { kind: 'limited', by: ip, limits: [ip] };

    try {
      return await decideCharged(command, keys, ip);
    } catch (error) {
      if (mayGiveBack(error, keys)) await refundAll(keys);
      throw error;
    }
  };

  /** Before any limit is charged: what no message of this channel can become of now. */
  function refuseChannel({ purpose, destination }: ResendCommand): ResendOutcome | null {
    if (purpose.channel === 'email') return deps.refusesWhileEmailIsOff ? { kind: 'email_off' } : null;
    const reason = deps.sms === undefined ? 'sms_off' : deps.sms.refusalOf(destination);
    return reason === null ? null : { kind: 'sms_refused', reason };
  }

  function limiterOf({ purpose }: ResendCommand): Limiter {
    return purpose.channel === 'sms' && deps.sms !== undefined ? deps.sms.limiter : deps.limiter;
  }

  async function decideCharged(
    command: ResendCommand,
    keys: RequestKeys,
    ip: LimitDecision,
  ): Promise<ResendOutcome> {
    // After the client's limit, which stays charged: asking who is verified must cost something.
    const disclosed = await discloseStatus(command, keys);
    if (disclosed !== null) return { kind: disclosed };

    const address = await limiterOf(command).charge(keys.address, keys.chargeId);
    if (!address.allowed) {
      await refund(keys, 'ip');
      return { kind: 'limited', by: address, limits: [giveBackOne(ip), address] };
    }
    const acceptance = await deps.accept(messageRequestOf({ ...command, contract: deps.contract }, keys));
    if (acceptance === 'accepted')
      return { kind: 'accepted', messageId: keys.messageId, limits: [ip, address] };
    // Another holder of the idempotency key was faster. The same request shares its charges with us.
    const repeated: ResendOutcome = (await findRepeated(keys)) ?? { kind: 'idempotency_key_reused' };
    if (repeated.kind === 'idempotency_key_reused') await refundAll(keys);
    return repeated;
  }

  async function findRepeated(keys: RequestKeys): Promise<ResendOutcome | null> {
    if (keys.idempotency === null) return null;
    const earlier = await deps.findIdempotent(keys.idempotency.key);
    if (earlier === undefined) return null;
    return keys.idempotency.requestHash.equals(Buffer.from(earlier.requestHash))
      ? { kind: 'replayed', messageId: earlier.messageId }
      : { kind: 'idempotency_key_reused' };
  }

  async function discloseStatus(command: ResendCommand, keys: RequestKeys) {
    if (!readsAccount(deps.disclosure)) return null;
    return disclose(deps.disclosure, await deps.findStatus(keys.addressKey), command.purpose);
  }

  async function refundAll(keys: RequestKeys): Promise<void> {
    await Promise.allSettled([refund(keys, 'ip'), refund(keys, 'address')]);
  }

  async function refund(keys: RequestKeys, kind: 'ip' | 'address'): Promise<void> {
    await deps.limiter.refund(keys[kind], keys.chargeId);
  }
};

/**
 * Whether the charges of a request that met a fault are taken back: nothing stays charged for what was
 * not written. Not when it may have been written after all, and not under an idempotency key, whose
 * charges another repetition may be using: a repetition passes by them.
 */
export const mayGiveBack = (error: unknown, keys: Pick<RequestKeys, 'idempotency'>): boolean =>
  keys.idempotency === null && !(error instanceof AppError && error.code === 'outcome_unknown');

/** The row of a request. */
export const messageRequestOf = (
  command: Pick<
    ResendCommand,
    'organizationId' | 'purpose' | 'locale' | 'redirectUrl' | 'context' | 'change'
  > & { readonly contract: string },
  keys: RequestKeys,
): MessageRequest => ({
  id: keys.messageId,
  organizationId: command.organizationId,
  subjectKey: keys.subjectKey,
  addressKey: keys.addressKey,
  limitKey: keys.address.key,
  ipKey: keys.ip.key,
  purpose: command.purpose.name,
  channel: command.purpose.channel,
  contract: command.contract,
  locale: command.locale,
  redirectUrl: command.redirectUrl,
  idempotency: keys.idempotency,
  context: command.context ?? null,
  change: command.change ?? null,
});

/** A decision as it stands after its charge was taken back. */
export const giveBackOne = (decision: LimitDecision): LimitDecision => ({
  ...decision,
  states: decision.states.map((state): LimitState => ({
    ...state,
    remaining: Math.min(state.limit.max, state.remaining + 1),
  })),
});
