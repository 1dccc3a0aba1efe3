import { randomBytes } from 'node:crypto';
import type { Account } from '@reconfirm/core/account';
import { uuidV7 } from '@reconfirm/core/message-id';
import { policyOf, type PurposePolicies, type PurposePolicy } from '@reconfirm/core/purposes/policy';
import { findPurpose } from '@reconfirm/core/purposes/registry';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import {
  isPutOffReason,
  type Notices,
  type PutOffReason,
  type Resolution,
  resolve,
} from '@reconfirm/core/resolve';
import { planRetry } from '@reconfirm/core/retry';
import type { ChangeResend, ChangeResendOutcome } from '@reconfirm/db/change-resends';
import type { AttemptStart, ClaimedMessage } from '@reconfirm/db/claims';
import type { MessageRecord } from '@reconfirm/db/records';
import type { Logger } from '@reconfirm/process/logger';
import type { Carrier, HandOver } from './carrier.ts';
import type { CredentialKeys } from './credential.ts';
import type { Lane, LanePass } from './lane.ts';
import type { WorkerMetrics } from './metrics.ts';
import { createPrepare, type Prepared } from './prepare.ts';
import type { SendFailure, SendResult } from './transports/transport.ts';

/** The statements that delivering needs; concurrent messages share their batches. */
export interface DeliveryStore {
  claim(messageId: string): Promise<ClaimedMessage | null>;
  begin(start: AttemptStart): Promise<boolean>;
  record(record: MessageRecord): Promise<void>;
  resendChange(resend: ChangeResend): Promise<ChangeResendOutcome>;
  giveBack(held: readonly { readonly id: string; readonly attempt: number }[]): Promise<void>;
}

export interface DeliveryOptions {
  readonly store: DeliveryStore;
  readonly carrier: Carrier;
  readonly lane: Lane;
  readonly keys: CredentialKeys;
  readonly policiesOf: (organizationId: string) => PurposePolicies;
  readonly noticesOf: (organizationId: string) => Notices;
  readonly workerName: string;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

export interface Delivery {
  /** Works on one message from claim to record. Rejects only when the database does not answer. */
  deliver(messageId: string): Promise<void>;
  /** Messages in this worker's hands, for renewing and giving back their leases. */
  held(): readonly { readonly id: string; readonly attempt: number }[];
  /** Ends every hand-over in progress at once. */
  abort(): void;
}

/** What became of the work on a message. `passedOnTo` took its place. */
type Done = MessageRecord | 'lost' | 'given_back' | { readonly passedOnTo: readonly string[] };

/** How long a message waits for a worker that can do what this one cannot. */
const putOffSeconds = 60;

export const createDelivery = (options: DeliveryOptions): Delivery => {
  const { store, carrier, lane, log, metrics } = options;
  const prepare = createPrepare(options);
  const inHand = new Map<string, ClaimedMessage>();
  const stop = new AbortController();

  const deliver = async (messageId: string): Promise<void> => {
    // Two jobs of one message can meet in this process; the second finds the first at work.
    if (stop.signal.aborted || inHand.has(messageId)) return;
    const pass = lane.enter();
    if (pass === null) return;
    const startedMs = performance.now();
    let followers: readonly string[] = [];
    try {
      const claimed = await store.claim(messageId);
      if (claimed === null) return;
      inHand.set(claimed.id, claimed);
      try {
        const done = await work(claimed, pass);
        tell(claimed, done, performance.now() - startedMs);
        if (typeof done === 'object' && 'passedOnTo' in done) followers = done.passedOnTo;
      } finally {
        if (inHand.get(claimed.id) === claimed) inHand.delete(claimed.id);
      }
    } finally {
      pass.leave();
    }
    // Whatever is not had now is due all the same, and the sweep finds it.
    for (const follower of followers) await deliver(follower);
  };

  /** The steps of one message. Each either goes on or ends with what there is to record. */
  const work = async (claimed: ClaimedMessage, pass: LanePass): Promise<Done> => {
    const purpose = findPurpose(claimed.purpose);
    if (purpose === undefined) return finish(putOff(claimed, 'unknown_purpose'));
    const policy = policyOf(purpose, options.policiesOf(claimed.organizationId));
    const decision = decide(claimed, purpose, policy);
    if (decision.kind === 'skip' || decision.kind === 'give_up') return finish(notSent(claimed, decision));
    if (decision.kind === 'resend_change') return passOn(claimed, purpose, decision.account);
    const prepared = prepareSafely(claimed, purpose, policy, decision);
    if (prepared === null) return finish(notComposed(claimed));
    if (prepared === 'too_late') return finish(notSent(claimed, { kind: 'give_up', reason: prepared }));
    if (typeof prepared === 'string') return finish(putOff(claimed, prepared));
    const { start, handOver } = prepared;
    if (handOver === null) return (await store.begin(start)) ? finish(notSent(claimed, decision)) : 'lost';
    const refusal = (await handOver.reserve?.()) ?? null;
    if (refusal !== null) return finish(notSent(claimed, { kind: 'skip', reason: refusal }));
    if (!(await store.begin(start))) {
      await release(claimed, handOver);
      return 'lost';
    }
    const result = await handOver.send(stop.signal);
    const done = wasInterrupted(result)
      ? await giveBack(claimed)
      : await finish(handedOver(claimed, prepared, result, pass));
    if (wasNotTaken(result)) await release(claimed, handOver);
    return done;
  };

  const giveBack = async (claimed: ClaimedMessage): Promise<'given_back'> => {
    await store.giveBack([claimed]);
    return 'given_back';
  };

  /** What cannot be given back stays spent: a budget is then a little smaller, and never passed. */
  const release = async (claimed: ClaimedMessage, handOver: HandOver): Promise<void> => {
    await handOver
      .release?.()
      .catch((error: unknown) => log.warn({ err: error, messageId: claimed.id }, 'delivery.not_released'));
  };

  /** Null when the message cannot be composed: no later attempt could either. */
  const prepareSafely = (...of: Parameters<typeof prepare>): ReturnType<typeof prepare> | null => {
    try {
      return prepare(...of);
    } catch (error) {
      log.error({ err: error, messageId: of[0].id }, 'delivery.not_composed');
      return null;
    }
  };

  /** A request that names its change by address only gives way to the messages of that change. */
  const passOn = async (claimed: ClaimedMessage, { channel }: Purpose, account: Account): Promise<Done> => {
    const newId = (): string => uuidV7(Date.now(), randomBytes(10));
    const outcome = await store.resendChange({
      messageId: claimed.id,
      attempt: claimed.attempt,
      accountId: account.id,
      channel,
      newIds: { new: newId(), current: newId() },
    });
    if (outcome.kind === 'lost') return 'lost';
    return { passedOnTo: outcome.kind === 'resent' ? outcome.messageIds : [] };
  };

  const decide = (claimed: ClaimedMessage, purpose: Purpose, policy: PurposePolicy): Resolution =>
    resolve({ ...claimed, hasSealed: claimed.sealed !== null }, claimed.account, purpose, {
      channelOff: carrier.isOff,
      liveTokens: policy.liveTokens,
      sendWithinSeconds: policy.sendWithinSeconds,
      notices: options.noticesOf(claimed.organizationId),
    });

  /** What a hand-over amounts to: sent, refused for good, or due again. Only here do failures become a status. */
  const handedOver = (
    claimed: ClaimedMessage,
    { accountId, sentReason }: Prepared,
    result: SendResult,
    pass: LanePass,
  ): MessageRecord => {
    const base = { ...blankRecord(claimed), accountId, reply: result.reply };
    if (result.kind === 'accepted') {
      pass.worked();
      return {
        ...base,
        status: 'sent',
        reason: sentReason,
        result: 'accepted',
        providerMessageId: result.providerMessageId ?? null,
      };
    }
    const { failure } = result;
    if (failure.kind !== 'misconfigured' && isAnswer(failure)) pass.worked();
    if (failure.kind === 'permanent')
      return { ...base, status: 'bounced', reason: failure.code, result: 'permanent', code: failure.code };
    if (failure.kind === 'ambiguous' && !carrier.retriesAmbiguous)
      return { ...base, status: 'gave_up', reason: failure.code, result: 'ambiguous', code: failure.code };
    const plan =
      failure.kind === 'misconfigured'
        ? // Due when the lane opens: in a quiet hour this message is the next probe itself.
          { afterSeconds: pass.refused(failure.code), countsAsFailure: false }
        : planRetry(failure, claimed.failures, Math.random(), carrier.channel);
    return {
      ...base,
      status: 'deferred',
      reason: failure.code,
      result: failure.kind,
      code: failure.code,
      retryAfterSeconds: plan.afterSeconds,
      countsAsFailure: plan.countsAsFailure,
    };
  };

  const finish = async (record: MessageRecord): Promise<MessageRecord> => {
    await store.record(record);
    return record;
  };

  /** The one wide line of a unit of work. No address, no link, no token. */
  const tell = (claimed: ClaimedMessage, done: Done, tookMs: number): void => {
    const record = typeof done === 'object' && 'status' in done ? done : null;
    const outcome = typeof done === 'string' ? done : (record?.status ?? 'passed_on');
    const detail =
      record === null
        ? {}
        : { reason: record.reason, failure: record.code, retryAfterSeconds: record.retryAfterSeconds };
    metrics.messageDone(outcome, record === null ? null : (record.code ?? record.reason), tookMs / 1000);
    const needsOperator = record !== null && record.reason !== null && isPutOffReason(record.reason);
    log[needsOperator ? 'error' : 'info'](
      {
        messageId: claimed.id,
        attempt: claimed.attempt,
        purpose: claimed.purpose,
        provider: carrier.providerName,
        outcome,
        ...detail,
        waitedMs: Math.round(claimed.ageSeconds * 1000),
        durationMs: Math.round(tookMs),
      },
      'delivery.attempted',
    );
  };

  return {
    deliver,
    held: () => [...inHand.values()].map(({ id, attempt }) => ({ id, attempt })),
    abort: () => stop.abort(),
  };
};

const blankRecord = (claimed: ClaimedMessage) => ({
  messageId: claimed.id,
  attempt: claimed.attempt,
  reason: null,
  retryAfterSeconds: 0,
  countsAsFailure: false,
  accountId: claimed.account?.id ?? null,
  result: null,
  code: null,
  reply: null,
  providerMessageId: null,
});

const notSent = (claimed: ClaimedMessage, decision: Resolution): MessageRecord => ({
  ...blankRecord(claimed),
  status: decision.kind === 'give_up' ? 'gave_up' : 'skipped',
  reason: 'reason' in decision ? decision.reason : null,
});

const notComposed = (claimed: ClaimedMessage): MessageRecord => ({
  ...blankRecord(claimed),
  status: 'gave_up',
  reason: 'not_composed',
});

/** Nothing was tried and nothing is held against the message; it is looked at again later. */
const putOff = (claimed: ClaimedMessage, reason: PutOffReason): MessageRecord => ({
  ...blankRecord(claimed),
  status: 'deferred',
  reason,
  retryAfterSeconds: putOffSeconds,
});

/** The provider answered, if only to refuse: our set-up is right. Silence says nothing about it. */
const isAnswer = (failure: SendFailure): boolean =>
  !['dns', 'connect', 'timeout', 'connection_lost', 'aborted'].includes(failure.code);

/** We stopped the hand-over ourselves before a byte of the body was sent: as if it had not begun. */
const wasInterrupted = (result: SendResult): boolean =>
  result.kind === 'failed' && result.failure.code === 'aborted' && result.failure.kind === 'transient';

/** Only what a provider may have taken is paid for. */
const wasNotTaken = (result: SendResult): boolean =>
  result.kind === 'failed' && result.failure.kind !== 'ambiguous';
