import type { Channel } from '@reconfirm/core/destination';
import { applyParkedEvents } from '@reconfirm/db/delivery-events';
import type { Database } from '@reconfirm/db/database';
import {
  type DueMessage,
  oldestDueSeconds,
  reclaimExpiredLeases,
  takeDueMessages,
} from '@reconfirm/db/due-messages';
import { lapsePendingAccounts } from '@reconfirm/db/pending-accounts';
import { type Forget, forgetExpired } from '@reconfirm/db/retention';
import type { Logger } from '@reconfirm/process/logger';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import type { WorkerMetrics } from './metrics.ts';

/** Rows looked at in one round. A backlog costs every round the same, however long it is. */
const roundSize = 200;
/** The first ring gets this long before the sweep rings too. */
const graceMs = 1000;
/** A message that was rung is not rung again sooner. */
const spacingMs = 5000;
/** Batches of one kind that are deleted in a minute at most: 10,000 rows a worker. */
const forgetBatchesMax = 20;
/** Due for longer than this although it was rung: the bell does not help, whatever the queue says. */
const deafAfterSeconds = 20;
const retentionEveryMs = 60_000;

export interface SweepOptions {
  readonly db: Database;
  readonly doorbell: Doorbell;
  readonly deliver: (message: Pick<DueMessage, 'id' | 'channel'>) => Promise<void>;
  /** Whether a message that was rung in vain may be delivered past the queue. */
  readonly mayOvertakeQueue: (channel: Channel) => boolean;
  /** How many more messages this worker can take in hand right now. */
  readonly freeHands: () => number;
  readonly intervalMs: number;
  readonly retentionDays: number;
  /** 0: accounts that nobody has proved never lapse. */
  readonly pendingAccountDays: number;
  /** How long a hard bounce suppresses its address (`hardBounceDays`). */
  readonly suppressDays: readonly number[];
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

export interface Sweep {
  /**
   * When a round last ended, or a message of a round that delivers by itself, by the process's
   * monotonic clock; for the liveness probe.
   */
  lastProgressMs(): number;
  /** Starts no further round and waits for the one under way. */
  stop(): Promise<void>;
}

/**
 * The periodic repair that makes rows the truth: it needs nothing from Redis, runs in every worker,
 * and several may run at once. A timer of the process, not a scheduled job: those vanish with Redis.
 */
export const startSweep = (options: SweepOptions): Sweep => {
  const { db, doorbell, log, metrics } = options;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let lastProgressMs = performance.now();
  let retentionAtMs = performance.now();
  let running: Promise<void> = Promise.resolve();

  /** One step's fault must not keep the others from running: a slow clean-up is no reason to send nothing. */
  const step = async <T>(name: string, work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      log.error({ err: error, step: name }, 'sweep.step_failed');
      return otherwise;
    }
  };

  /** True when more is due than one round takes and this process delivers it itself. */
  const round = async (): Promise<boolean> => {
    const reclaimed = await step('reclaim', () => reclaimExpiredLeases(db, roundSize), 0);
    if (reclaimed > 0) log.warn({ reclaimed }, 'sweep.leases_reclaimed');
    const take = { limit: roundSize, graceMs, spacingMs };
    const due = await step('take_due', () => takeDueMessages(db, take), []);
    const rang = await step('ring_or_deliver', () => ringOrDeliver(due), true);
    const applied = await step(
      'parked_events',
      () => applyParkedEvents(db, roundSize, options.suppressDays),
      0,
    );
    await forget();
    const oldest = await step('oldest_due', () => oldestDueSeconds(db), null);
    metrics.swept({ reclaimed, rung: rang ? due.length : 0, applied, oldestDueSeconds: oldest });
    lastProgressMs = performance.now();
    return !rang && due.length === roundSize && !stopped;
  };

  /** Rings; what cannot be rung, or was rung in vain, is delivered by this process itself. */
  const ringOrDeliver = async (due: readonly DueMessage[]): Promise<boolean> => {
    const rang = await doorbell.ringAll(
      due.map(({ id, attempt, channel }) => ({ messageId: id, attempt, channel })),
    );
    const isDeaf = (message: DueMessage): boolean =>
      options.mayOvertakeQueue(message.channel) && message.overdueSeconds > deafAfterSeconds;
    const own = rang ? due.filter(isDeaf) : due;
    const hands = rang ? Math.max(0, options.freeHands()) : own.length;
    let delivered = 0;
    await inTurns(own.slice(0, hands), Math.max(1, options.freeHands()), async (message) => {
      // What is left of the round when the worker stops stays due for the others.
      if (stopped) return;
      await options.deliver(message);
      delivered += 1;
      lastProgressMs = performance.now();
    });
    if (delivered > 0) metrics.triedWithoutQueue(delivered);
    return rang;
  };

  const forget = async (): Promise<void> => {
    if (performance.now() < retentionAtMs) return;
    retentionAtMs = performance.now() + retentionEveryMs;
    for (const [kind, forgetBatch] of Object.entries(forgetExpired)) {
      await step(`forget_${kind}`, () => forgetAll(forgetBatch, options.retentionDays), undefined);
    }
    const { pendingAccountDays: days } = options;
    if (days > 0) await step('lapse_accounts', () => forgetAll(lapsePendingAccounts, days), undefined);
  };

  const forgetAll = async (forgetBatch: Forget, days: number): Promise<void> => {
    for (let batch = 0; batch < forgetBatchesMax; batch += 1) {
      if (stopped || !(await forgetBatch(db, days))) return;
      lastProgressMs = performance.now();
    }
  };

  const run = async (): Promise<void> => {
    while (await round());
    if (!stopped) timer = setTimeout(start, options.intervalMs * (0.8 + 0.4 * Math.random()));
  };
  const start = (): void => {
    running = run();
  };
  start();

  return {
    lastProgressMs: () => lastProgressMs,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
};

/** Works through items with at most `width` at once. One item's fault does not keep the others waiting. */
const inTurns = async <T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const rest = items.values();
  const hand = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  const hands = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, hand));
  const failed = hands.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};
