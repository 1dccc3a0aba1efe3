import { AppError } from '@reconfirm/core/app-error';
import type { Destination } from '@reconfirm/core/destination';
import { disclose, disclosedStatuses, readsAccount } from '@reconfirm/core/disclosure';
import type { LimitDecision, LimitState } from '@reconfirm/core/limits';
import type { SealedContent } from '@reconfirm/core/sealed-content';
import type { Priority, Purpose } from '@reconfirm/core/purposes/purpose';
import type { SmsRefusal } from '@reconfirm/core/sms-policy';
import type { Acceptance, MessageRequest } from '@reconfirm/db/accept-messages';
import { type CaptchaGate, type CaptchaRefusal, type GateRefusal, limitedBy } from './captcha/gate.ts';
import type { ContractRules, RulesOf } from './contract-rules.ts';
import type { Limiter } from './limiter/limiter.ts';
import { forgottenMax, limitMemoryOf, writtenByNobody } from './limiter/write-charged.ts';
import type { Seal } from './seal-content.ts';
import type { FindStatus } from './stores.ts';
import { type Client, type KeySettings, makeRequestKeys, type RequestKeys } from './request-keys.ts';

/** A validated request for another message, the same whatever contract it came in by. */
export interface ResendCommand {
  readonly organizationId: string;
  readonly purpose: Purpose;
  /** As its purpose's, unless it is said. */
  readonly priority?: Priority;
  readonly destination: Destination;
  /** Already judged against the allow-list. */
  readonly redirectUrl: string | null;
  readonly locale: string | null;
  readonly clientAddress: Client;
  readonly idempotencyKey: string | undefined;
  /** What the captcha's widget gave. */
  readonly captchaAnswer?: string | undefined;
  /** What the contract must remember from here to the confirmation. */
  readonly context?: NonNullable<MessageRequest['context']>;
  /** What another system made, for a purpose whose credential is not ours. */
  readonly content?: SealedContent;
  /** What is ordered and counted by itself; the purpose unless given. */
  readonly subjectName?: string;
  /** What else makes two requests with one idempotency key the same request. */
  readonly fingerprint?: readonly string[];
  /** The change of address that a signed-in account asked for. */
  readonly change?: NonNullable<MessageRequest['change']>;
}

/** Everything that a resend can come to; each dialect has an answer for each. */
export type ResendOutcome =
  | {
      readonly kind: 'accepted';
      readonly messageId: string;
      readonly addressKey: Uint8Array;
      readonly limits: readonly LimitDecision[];
    }
  | { readonly kind: 'replayed'; readonly messageId: string }
  | { readonly kind: 'idempotency_key_reused' }
  | { readonly kind: 'email_off' }
  /** The number alone decides, so that nobody learns from it whose it is. */
  | { readonly kind: 'sms_refused'; readonly reason: 'sms_off' | SmsRefusal }
  | { readonly kind: 'already_verified' }
  | { readonly kind: 'suspended' }
  | CaptchaRefusal
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

/** What is different about a request that ends in an SMS: it costs money. */
export interface SmsIntake {
  /** The limits as they hold for SMS while Redis is away (SMS_LIMITER_ON_ERROR). */
  readonly limiter: Limiter;
  /** Why no SMS may go to a number, or null. */
  readonly refusalOf: (destination: Destination) => 'sms_off' | SmsRefusal | null;
}

export interface ResendDependencies {
  readonly keys: KeySettings;
  readonly rulesOf: RulesOf;
  /** Seals what a message to somebody without an account needs; null where nothing is kept. */
  readonly seal: Seal;
  readonly limiter: Limiter;
  readonly sms: SmsIntake;
  /** Null where no captcha is configured: client and address are then charged by one call. */
  readonly captchaGate: CaptchaGate | null;
  readonly accept: (request: MessageRequest) => Promise<Acceptance>;
  readonly findStatus: FindStatus;
  readonly findIdempotent: (
    key: Uint8Array,
  ) => Promise<{ readonly messageId: string; readonly requestHash: Uint8Array } | undefined>;
}

interface ChargedLimits {
  readonly kind: 'charged';
  readonly limits: readonly LimitDecision[];
  readonly passedCaptcha: boolean;
}

type Charged = ChargedLimits | GateRefusal;

/** A command with the rules of the contract that it came by. */
interface Asked extends ResendCommand {
  readonly rules: ContractRules;
  readonly contract: string;
}

export type Resend = (command: ResendCommand) => Promise<ResendOutcome>;

/**
 * The use case. Until `accept` nothing is read or written that depends on who has an account, unless
 * the contract's disclosure says so; what becomes of the message is found out by the worker.
 */
export const createResend = (deps: ResendDependencies): Resend => {
  return async (command) => {
    const rules = deps.rulesOf(command.organizationId);
    const unserved = refuseChannel(command, rules);
    if (unserved !== null) return unserved;
    const keys = makeRequestKeys(deps.keys, {
      ...command,
      limits: rules.limits,
      fingerprint: [command.redirectUrl ?? '', command.locale ?? '', ...(command.fingerprint ?? [])],
    });

    const repeated = await findRepeated(keys);
    if (repeated !== null) return repeated;

    const asked: Asked = { ...command, rules, contract: rules.contract };
    const { clientAddress } = command;
    const gate = rules.asksCaptcha ? deps.captchaGate : null;
    const charged =
      // A server that has shown a key solves no captcha.
      gate === null || typeof clientAddress !== 'string'
        ? await chargeTogether(asked, keys)
        : await chargeThrough(gate, { ...asked, clientAddress }, keys);
    if (charged.kind === 'limited' && charged.by.kind === 'address')
      return (await discloseLimited(asked, keys)) ?? charged;
    if (charged.kind !== 'charged') return charged;

    try {
      return await acceptCharged(asked, keys, charged, forgottenMax);
    } catch (error) {
      if (mayGiveBack(error, keys)) await refundAll(command, keys);
      throw error;
    }
  };

  /** Before any limit is charged: what no message of this channel can become of now. */
  function refuseChannel(
    { purpose, destination }: ResendCommand,
    rules: ContractRules,
  ): ResendOutcome | null {
    if (purpose.channel === 'email') return rules.refusesWhileEmailIsOff ? { kind: 'email_off' } : null;
    const reason = deps.sms.refusalOf(destination);
    return reason === null ? null : { kind: 'sms_refused', reason };
  }

  function limiterOf({ purpose }: ResendCommand): Limiter {
    return purpose.channel === 'sms' ? deps.sms.limiter : deps.limiter;
  }

  /** Client and address, all or none. */
  async function chargeTogether(asked: Asked, keys: RequestKeys): Promise<Charged> {
    try {
      const limits = await limiterOf(asked).chargeTogether([keys.ip, keys.address], keys.chargeId);
      const by = limits.find((decision) => !decision.allowed);
      return by === undefined
        ? { kind: 'charged', limits, passedCaptcha: false }
        : { kind: 'limited', by, limits };
    } catch (error) {
      // It may have been charged all the same. Not waited for: a store that is away would be waited for twice.
      if (mayGiveBack(error, keys)) void refundAll(asked, keys);
      throw error;
    }
  }

  /**
   * Client, captcha, address, one after the other: an answer is spent on nothing that a limit refuses. What
   * is refused costs the client nothing.
   */
  async function chargeThrough(
    gate: CaptchaGate,
    asked: Asked & { readonly clientAddress: string },
    keys: RequestKeys,
  ): Promise<Charged> {
    try {
      const ip = await limiterOf(asked).charge(keys.ip, keys.chargeId);
      const said = await gate(ip, {
        keys,
        action: 'resend',
        channel: asked.purpose.channel,
        clientAddress: asked.clientAddress,
        answer: asked.captchaAnswer,
      });
      const passedCaptcha = said === 'passed';
      const refusal = said === 'passed' ? null : said;
      const address = refusal === null ? await limiterOf(asked).charge(keys.address, keys.chargeId) : null;
      if (address?.allowed === true) return { kind: 'charged', limits: [ip, address], passedCaptcha };
      if (ip.allowed) await refund(asked, keys, 'ip');
      const refused: GateRefusal | null =
        address === null ? refusal : { kind: 'limited', by: address, limits: [ip, address] };
      return withoutCharge(refused ?? limitedBy(ip), ip);
    } catch (error) {
      if (mayGiveBack(error, keys)) void refundAll(asked, keys);
      throw error;
    }
  }

  async function acceptCharged(
    asked: Asked,
    keys: RequestKeys,
    { limits, passedCaptcha }: ChargedLimits,
    turnsLeft: number,
  ): Promise<ResendOutcome> {
    const limitMemory = limitMemoryOf(limits);
    const request = { ...messageRequestOf(asked, keys), passedCaptcha, limitMemory };
    const { disclosure } = asked.rules;
    const sealed = deps.seal(asked, keys.messageId);
    // What the contract discloses is read by the statement that would write the row.
    const unless = disclosedStatuses(disclosure, asked.purpose);
    const acceptance = await deps.accept({ ...request, sealed, ...(readsAccount(disclosure) && { unless }) });
    if (acceptance === 'accepted')
      return { kind: 'accepted', messageId: keys.messageId, addressKey: keys.addressKey, limits };
    const told = await explainUnwritten(asked, keys);
    if (told !== null) return told;
    if (limitMemory === null || turnsLeft === 0) throw writtenByNobody();
    const again = await chargeAgain(asked, keys, limitMemory);
    return again.kind === 'charged'
      ? acceptCharged(asked, keys, { ...again, passedCaptcha }, turnsLeft - 1)
      : again;
  }

  /** Redis forgot the charges of this request before they were a row: they are made again, by what the rows say now. */
  async function chargeAgain(asked: Asked, keys: RequestKeys, forgotten: number): Promise<Charged> {
    limiterOf(asked).forget(forgotten);
    if (keys.idempotency === null) await refundAll(asked, keys);
    return chargeTogether(asked, keys);
  }

  /** Why nothing was written: the key is another's, or the account is in a state that is told instead; else null. */
  async function explainUnwritten(asked: Asked, keys: RequestKeys): Promise<ResendOutcome | null> {
    // Another holder of the idempotency key was faster. The same request shares its charges with us.
    const repeated = await findRepeated(keys);
    if (repeated !== null) {
      if (repeated.kind === 'idempotency_key_reused') await refundAll(asked, keys);
      return repeated;
    }
    const disclosed = await readDisclosed(asked, keys);
    if (disclosed === null) return null;
    // Asking who is verified costs the client its charge, and the address none.
    await refund(asked, keys, 'address');
    return { kind: disclosed };
  }

  async function findRepeated(keys: RequestKeys): Promise<ResendOutcome | null> {
    if (keys.idempotency === null) return null;
    const earlier = await deps.findIdempotent(keys.idempotency.key);
    if (earlier === undefined) return null;
    return keys.idempotency.requestHash.equals(Buffer.from(earlier.requestHash))
      ? { kind: 'replayed', messageId: earlier.messageId }
      : { kind: 'idempotency_key_reused' };
  }

  /** A verified account is told of whatever its cooldown, and asking costs the client a charge even so. */
  async function discloseLimited(asked: Asked, keys: RequestKeys): Promise<ResendOutcome | null> {
    const disclosed = await readDisclosed(asked, keys);
    if (disclosed === null) return null;
    const ip = await limiterOf(asked).charge(keys.ip, keys.chargeId);
    return ip.allowed ? { kind: disclosed } : { kind: 'limited', by: ip, limits: [ip] };
  }

  async function readDisclosed(asked: Asked, keys: RequestKeys) {
    const { organizationId, purpose, rules } = asked;
    if (!readsAccount(rules.disclosure)) return null;
    return disclose(rules.disclosure, await deps.findStatus(organizationId, keys.addressKey), purpose);
  }

  async function refundAll(command: ResendCommand, keys: RequestKeys): Promise<void> {
    await Promise.allSettled([refund(command, keys, 'ip'), refund(command, keys, 'address')]);
  }

  async function refund(command: ResendCommand, keys: RequestKeys, kind: 'ip' | 'address'): Promise<void> {
    await limiterOf(command).refund(keys[kind], keys.chargeId);
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
    'organizationId' | 'purpose' | 'priority' | 'locale' | 'redirectUrl' | 'context' | 'change'
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
  priority: command.priority,
  contract: command.contract,
  locale: command.locale,
  redirectUrl: command.redirectUrl,
  idempotency: keys.idempotency,
  context: command.context ?? null,
  change: command.change ?? null,
});

/** A refusal as it stands after the client's charge was taken back, where there was one. */
export const withoutCharge = (refusal: GateRefusal, ip: LimitDecision): GateRefusal =>
  refusal.kind === 'limited' && ip.allowed
    ? { ...refusal, limits: refusal.limits.map((decision) => (decision === ip ? giveBackOne(ip) : decision)) }
    : refusal;

/** A decision as it stands after its charge was taken back. */
export const giveBackOne = (decision: LimitDecision): LimitDecision => ({
  ...decision,
  states: decision.states.map((state): LimitState => ({
    ...state,
    remaining: Math.min(state.limit.max, state.remaining + 1),
  })),
});
