import type { KeyRing } from '@reconfirm/core/token';
import type { Database } from '@reconfirm/db/database';
import { numberEvents } from '@reconfirm/db/outgoing-events';
import {
  claimDeliveries,
  type ClaimedDelivery,
  type FinishedAttempt,
  giveBackDeliveries,
  oldestDueDeliverySeconds,
  recordDelivery,
} from '@reconfirm/db/webhook-deliveries';
import { forgetPreviousSecrets } from '@reconfirm/db/webhook-endpoints';
import type { Logger } from '@reconfirm/process/logger';
import type { WorkerMetrics } from '../metrics.ts';
import { createEventDelivery } from './deliver-event.ts';
import type { JudgeDisposable } from '@reconfirm/process/disposable-domains';
import type { PostEvent } from './post-event.ts';
import { resealSecrets } from './reseal.ts';

const intervalMs = 500;
/** Events that get their number in one round. */
const numberedMax = 500;
/** To one endpoint at once, of one worker; and while it fails. */
const slotsOfEndpoint = 4;
const slotsWhileFailing = 1;
/** An attempt takes 10 s and a name look-up 3 at most. */
const leaseSeconds = 30;
const tidyEveryMs = 60_000;

export interface EventLoopOptions {
  readonly db: Database;
  readonly keys: KeyRing;
  readonly post: PostEvent;
  readonly judgeDisposable: JudgeDisposable;
  /** Attempts of this worker at once. */
  readonly concurrency: number;
  readonly log: Logger;
  readonly metrics: Pick<WorkerMetrics, 'eventAttempted' | 'eventsDue'>;
}

export interface EventLoop {
  /** Claims nothing more, waits for what is in hand, and gives back what is not done in time. */
  stop(timeoutMs: number): Promise<void>;
}

/**
 * Tells host applications: numbers events, claims deliveries, makes attempts. A loop, a bound and slots of
 * its own: no receiver, slow or dead, takes anything from the sending of messages or from another receiver.
 */
export const startEventLoop = (options: EventLoopOptions): EventLoop => {
  const { db, keys, log, metrics } = options;
  const abort = new AbortController();
  const inHand = new Map<string, { readonly delivery: ClaimedDelivery; readonly done: Promise<void> }>();
  const failing = new Set<string>();
  const attempt = createEventDelivery({
    keys,
    post: options.post,
    chance: Math.random,
    judgeDisposable: options.judgeDisposable,
    onSecretUnreadable: (endpointId, error) =>
      log.error({ err: error, endpointId }, 'event.secret_unreadable'),
  });
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let tidyAtMs = performance.now();

  /** One step's fault must not keep the others from running. */
  const step = async <T>(name: string, work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      log.error({ err: error, step: name }, 'events.step_failed');
      return otherwise;
    }
  };

  const round = async (): Promise<void> => {
    const numbered = await step('number', () => numberEvents(db, numberedMax), 0);
    if (stopped) return;
    const claimed = await step('claim', claim, []);
    for (const delivery of claimed) take(delivery);
    await tidy();
    if (!stopped) timer = setTimeout(start, numbered === numberedMax || claimed.length > 0 ? 0 : intervalMs);
  };

  const claim = async (): Promise<readonly ClaimedDelivery[]> => {
    const limit = options.concurrency - inHand.size;
    return limit > 0 ? claimDeliveries(db, { limit, slotsOfEndpoint, slots: freeSlots(), leaseSeconds }) : [];
  };

  const freeSlots = (): Record<string, number> => {
    const slots: Record<string, number> = {};
    for (const id of failing) slots[id] = slotsWhileFailing;
    for (const { delivery } of inHand.values())
      slots[delivery.endpointId] = Math.max(0, (slots[delivery.endpointId] ?? slotsOfEndpoint) - 1);
    return slots;
  };

  const take = (delivery: ClaimedDelivery): void => {
    const done = deliver(delivery).finally(() => {
      inHand.delete(delivery.deliveryId);
      wake();
    });
    inHand.set(delivery.deliveryId, { delivery, done });
  };

  const deliver = async (delivery: ClaimedDelivery): Promise<void> => {
    try {
      const finished = await attempt(delivery, abort.signal);
      await recordDelivery(db, delivery, finished);
      tell(delivery, finished);
    } catch (error) {
      // Not written down: the lease runs out and it is tried again, with the same id.
      if (!abort.signal.aborted) log.error({ err: error, eventId: delivery.event.id }, 'event.not_recorded');
    }
  };

  const tell = (delivery: ClaimedDelivery, { outcome, verdict, tookMs }: FinishedAttempt): void => {
    if (verdict.status === 'delivered') failing.delete(delivery.endpointId);
    else failing.add(delivery.endpointId);
    const said =
      outcome.kind === 'answered' ? `status_${Math.trunc(outcome.status / 100)}xx` : outcome.reason;
    metrics.eventAttempted(verdict.status === 'pending' ? 'failed' : verdict.status, said, tookMs / 1000);
    const line = {
      eventId: delivery.event.id,
      type: delivery.event.type,
      endpointId: delivery.endpointId,
      failures: delivery.failures,
      outcome: verdict.status,
      said: outcome.kind === 'answered' ? outcome.status : outcome.reason,
    };
    log[verdict.status === 'delivered' ? 'info' : 'warn'](line, 'event.attempted');
  };

  const tidy = async (): Promise<void> => {
    if (performance.now() < tidyAtMs) return;
    tidyAtMs = performance.now() + tidyEveryMs;
    await step('forget_secrets', () => forgetPreviousSecrets(db), undefined);
    const resealed = await step('reseal', () => resealSecrets(db, keys), 0);
    if (resealed > 0) log.info({ resealed }, 'events.secrets_resealed');
    const oldest = await step('oldest_due', () => oldestDueDeliverySeconds(db), null);
    if (oldest !== null) metrics.eventsDue(oldest);
  };

  const start = (): void => {
    timer = undefined;
    running = round();
  };
  /** A hand is free: what waited for it need not wait for the timer. */
  const wake = (): void => {
    if (stopped || timer === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(start, 0);
  };
  start();

  return {
    stop: async (timeoutMs) => {
      stopped = true;
      clearTimeout(timer);
      await running;
      await settledWithinMs(
        [...inHand.values()].map(({ done }) => done),
        timeoutMs,
      );
      const held = [...inHand.values()].map(({ delivery }) => delivery);
      abort.abort();
      await Promise.all([...inHand.values()].map(({ done }) => done));
      if (held.length > 0) await step('give_back', () => giveBackDeliveries(db, held), undefined);
    },
  };
};

const settledWithinMs = async (work: readonly Promise<void>[], timeoutMs: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([Promise.all(work), late]);
  clearTimeout(timer);
};
