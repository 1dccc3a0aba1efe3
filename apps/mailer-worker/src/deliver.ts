import { randomBytes } from 'node:crypto';
import type { Account } from '@reconfirm/core/account';
import { uuidV7 } from '@reconfirm/core/message-id';
import type { Priority } from '@reconfirm/core/purposes/purpose';
import { policyOf, type PurposePolicies, type PurposePolicy } from '@reconfirm/core/purposes/policy';
import { findPurpose } from '@reconfirm/core/purposes/registry';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import { mayTryNext } from '@reconfirm/core/failover';
import { isPutOffReason, type Notices, type Resolution, resolve } from '@reconfirm/core/resolve';
import type { ChangeResend, ChangeResendOutcome } from '@reconfirm/db/change-resends';
import type { AttemptStart, ClaimedMessage } from '@reconfirm/db/claims';
import type { MessageRecord } from '@reconfirm/db/records';
import type { Logger } from '@reconfirm/process/logger';
import type { HandOver } from './carrier.ts';
import type { CredentialKeys } from './credential.ts';
import type { WorkerMetrics } from './metrics.ts';
import { handedOver, notComposed, notSent, putOff, senderRests } from './outcome-record.ts';
import { createPrepare, type Prepare, type Prepared } from './prepare.ts';
import {
  findWay,
  hasOpenWay,
  restSecondsOf,
  type Route,
  type Routes,
  type SenderWay,
  tellWay,
  type Way,
} from './routes.ts';
import type { SendResult } from './transports/transport.ts';

/** The statements that delivering needs; concurrent messages share their batches. */
export interface DeliveryStore {
  claim(messageId: string): Promise<ClaimedMessage | null>;
  begin(start: AttemptStart): Promise<boolean>;
  record(record: MessageRecord): Promise<void>;
  resendChange(resend: ChangeResend): Promise<ChangeResendOutcome>;
  /** Of what nothing was handed over; tried again for so long while the database is away. */
  giveBack(
    held: readonly { readonly id: string; readonly attempt: number }[],
    patienceMs?: number,
  ): Promise<void>;
}

export interface DeliveryOptions {
  readonly store: DeliveryStore;
  readonly routes: Routes;
  readonly keys: CredentialKeys;
  readonly policiesOf: (organizationId: string) => PurposePolicies;
  readonly noticesOf: (organizationId: string) => Notices;
  readonly workerName: string;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

export interface Delivery {
  /**
   * Works on one message from claim to record. Rejects only when the database does not answer. `priority`: of
   * the message, for a provider with a rate of its own; the most urgent unless it is said.
   */
  deliver(messageId: string, priority?: Priority): Promise<void>;
  /** Messages in this worker's hands, for renewing and giving back their leases. */
  held(): readonly { readonly id: string; readonly attempt: number }[];
  /** Ends every hand-over in progress at once. */
  abort(): void;
}

/** What became of the work on a message. `passedOnTo` took its place; `failedOver`: another provider gets it now. */
type Done =
  | MessageRecord
  | 'lost'
  | 'given_back'
  | { readonly passedOnTo: readonly string[] }
  | { readonly failedOver: MessageRecord };

/** A database that recovers from a crash is back in seconds. */
const giveBackPatienceMs = 5000;

const nothingTried: ReadonlySet<Route> = new Set();

export const createDelivery = (options: DeliveryOptions): Delivery => {
  const { store, routes, log, metrics } = options;
  const [{ carrier: firstCarrier }] = routes;
  const prepares = new Map(
    routes.map((route) => [route, createPrepare({ ...options, carrier: route.carrier })]),
  );
  const inHand = new Map<string, ClaimedMessage>();
  /** Of these the hand-over has begun, and nobody knows how it ends. */
  const onTheWire = new Set<ClaimedMessage>();
  const stop = new AbortController();

  const deliver = async (messageId: string, priority?: Priority, tried = nothingTried): Promise<void> => {
    // Two jobs of one message can meet in this process; the second finds the first at work.
    if (stop.signal.aborted || inHand.has(messageId)) return;
    const way = findWay(routes, tried);
    if (way === null) return;
    const { pace } = way.route;
    const outcome: { done: Done | null } = { done: null };
    const go = async (): Promise<void> => {
      outcome.done = await claimAndWork(messageId, way, tried);
    };
    try {
      await (pace === undefined ? go() : pace.take(go, priority));
    } finally {
      way.pass.leave();
    }
    // Whatever is not had now is due all the same, and the sweep finds it.
    for (const follower of followersOf(outcome.done)) await deliver(follower, priority);
    if (isFailedOver(outcome.done)) await deliver(messageId, priority, new Set([...tried, way.route]));
  };

  const claimAndWork = async (
    messageId: string,
    way: Way,
    tried: ReadonlySet<Route>,
  ): Promise<Done | null> => {
    const startedMs = performance.now();
    const claimed = await store.claim(messageId);
    if (claimed === null) return null;
    inHand.set(claimed.id, claimed);
    try {
      const done = await work(claimed, way, tried);
      tell(claimed, way.route, done, performance.now() - startedMs);
      return done;
    } catch (error) {
      // Nobody has a byte of it, so nobody need wait until its lease is over.
      if (!onTheWire.has(claimed)) await giveBackAfter(claimed);
      throw error;
    } finally {
      onTheWire.delete(claimed);
      if (inHand.get(claimed.id) === claimed) inHand.delete(claimed.id);
    }
  };

  /** After a fault, mostly of the database. While that is away the lease is not renewed, and ends this in any case. */
  const giveBackAfter = (claimed: ClaimedMessage): Promise<void> =>
    store
      .giveBack([claimed], giveBackPatienceMs)
      .catch((error: unknown) => log.warn({ err: error, messageId: claimed.id }, 'delivery.not_given_back'));

  /** The steps of one message. Each either goes on or ends with what there is to record. */
  const work = async (claimed: ClaimedMessage, way: Way, tried: ReadonlySet<Route>): Promise<Done> => {
    const purpose = findPurpose(claimed.purpose);
    if (purpose === undefined) return finish(putOff(claimed, 'unknown_purpose'));
    const policy = policyOf(purpose, options.policiesOf(claimed.organizationId));
    const decision = decide(claimed, purpose, policy);
    if (decision.kind === 'skip' || decision.kind === 'give_up') return finish(notSent(claimed, decision));
    if (decision.kind === 'resend_change') return passOn(claimed, purpose, decision.account);
    const prepared = prepareSafely(way.route, claimed, purpose, policy, decision);
    if (prepared === null) return finish(notComposed(claimed));
    if (prepared === 'too_late') return finish(notSent(claimed, { kind: 'give_up', reason: prepared }));
    if (typeof prepared === 'string') return finish(putOff(claimed, prepared));
    const { start, handOver } = prepared;
    if (handOver === null) return (await store.begin(start)) ? finish(notSent(claimed, decision)) : 'lost';
    const own = way.route.carrier.ownSenderOf?.(claimed.organizationId);
    const senderPass = own === undefined ? undefined : way.route.senders.enter(claimed.organizationId, own);
    if (senderPass === null) return standAside(claimed, way.route, tried);
    try {
      return await handOverBy(claimed, { ...prepared, handOver }, { ...way, senderPass }, tried);
    } finally {
      senderPass?.leave();
    }
  };

  /** The provider is open, and not to this organization's sender: another one may be. */
  const standAside = async (
    claimed: ClaimedMessage,
    route: Route,
    tried: ReadonlySet<Route>,
  ): Promise<Done> => {
    const goesOn = hasOpenWay(routes, new Set([...tried, route]));
    const restSeconds = goesOn ? 0 : route.senders.restSeconds(claimed.organizationId);
    const record = await finish(senderRests(claimed, restSeconds));
    return goesOn ? { failedOver: record } : record;
  };

  const handOverBy = async (
    claimed: ClaimedMessage,
    prepared: Prepared & { readonly handOver: HandOver },
    way: SenderWay,
    tried: ReadonlySet<Route>,
  ): Promise<Done> => {
    const { start, handOver } = prepared;
    const refusal = (await handOver.reserve?.()) ?? null;
    if (refusal !== null) return finish(notSent(claimed, { kind: 'skip', reason: refusal }));
    if (!(await store.begin(start))) {
      await release(claimed, handOver);
      return 'lost';
    }
    onTheWire.add(claimed);
    const result = await handOver.send(stop.signal);
    if (wasInterrupted(result)) {
      await store.giveBack([claimed]);
      await release(claimed, handOver);
      return 'given_back';
    }
    const isOfSender = tellWay(result, way);
    const goesOn = goesToAnother(result, way.route, tried);
    const record = handedOver(claimed, prepared, result, {
      carrier: way.route.carrier,
      restSeconds: isOfSender ? way.route.senders.restSeconds(claimed.organizationId) : restSecondsOf(routes),
      goesOn,
    });
    await finish(record);
    if (wasNotTaken(result)) await release(claimed, handOver);
    return goesOn ? { failedOver: record } : record;
  };

  const goesToAnother = (result: SendResult, route: Route, tried: ReadonlySet<Route>): boolean =>
    result.kind === 'failed' && mayTryNext(result.failure) && hasOpenWay(routes, new Set([...tried, route]));

  /** What cannot be given back stays spent: a budget is then a little smaller, and never passed. */
  const release = async (claimed: ClaimedMessage, handOver: HandOver): Promise<void> => {
    await handOver
      .release?.()
      .catch((error: unknown) => log.warn({ err: error, messageId: claimed.id }, 'delivery.not_released'));
  };

  /** Null when the message cannot be composed: no later attempt could either. */
  const prepareSafely = (route: Route, ...of: Parameters<Prepare>): ReturnType<Prepare> | null => {
    const prepare = prepares.get(route);
    if (prepare === undefined)
      throw new Error(`${route.carrier.providerName} is no provider of this delivery`);
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
      channelOff: firstCarrier.isOff,
      liveTokens: policy.liveTokens,
      sendWithinSeconds: policy.sendWithinSeconds,
      notices: options.noticesOf(claimed.organizationId),
    });

  const finish = async (record: MessageRecord): Promise<MessageRecord> => {
    await store.record(record);
    return record;
  };

  /** The one wide line of a unit of work. No address, no link, no token. */
  const tell = (claimed: ClaimedMessage, { carrier }: Route, done: Done, tookMs: number): void => {
    const record = recordOf(done);
    const outcome = isFailedOver(done)
      ? 'failed_over'
      : typeof done === 'string'
        ? done
        : (record?.status ?? 'passed_on');
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

const recordOf = (done: Done): MessageRecord | null => {
  if (typeof done === 'string' || 'passedOnTo' in done) return null;
  return 'failedOver' in done ? done.failedOver : done;
};

const followersOf = (done: Done | null): readonly string[] =>
  done !== null && typeof done === 'object' && 'passedOnTo' in done ? done.passedOnTo : [];

const isFailedOver = (done: Done | null): boolean =>
  done !== null && typeof done === 'object' && 'failedOver' in done;

/** We stopped the hand-over ourselves before a byte of the body was sent: as if it had not begun. */
const wasInterrupted = (result: SendResult): boolean =>
  result.kind === 'failed' && result.failure.code === 'aborted' && result.failure.kind === 'transient';

/** Only what a provider may have taken is paid for. */
const wasNotTaken = (result: SendResult): boolean =>
  result.kind === 'failed' && result.failure.kind !== 'ambiguous';
