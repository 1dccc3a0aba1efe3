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
import type { Backlog } from './backlog.ts';
import type { WorkerMetrics } from './metrics.ts';

/** Rows looked at in one round. A backlog costs every round the same, however long it is. */
const roundSize = 200;
/** The first ring gets this long before the sweep rings too; none was heard while the bell does not work. */
const graceMs = 1000;
/** A message that was rung is not rung again sooner. */
const spacingMs = 4000;
/** Batches of one kind that are deleted in a minute at most: 10,000 rows a worker. */
const forgetBatchesMax = 20;
/**
 * Due for longer than this although it was rung: the bell does not help, whatever the queue says. A worker that died
 * with the job in hand swallows every ring of its id for half a minute (BullMQ's lock), and promised are 30 s in all.
 */
const deafAfterSeconds = 8;
const retentionEveryMs = 60_000;
/** Half of the time in which a parked report is looked at. */
const catchUpAfterMs = 5 * 60_000;

/** What the sweep does with the messages of a channel that cannot be rung, or were rung in vain. */
export interface SweptChannel {
  readonly backlog: Backlog;
  /** Whether a message that was rung in vain may be delivered past the queue. */
  readonly mayOvertakeQueue: boolean;
  /** How many more messages this worker can take in hand right now. */
  freeHands(): number;
}

export interface SweepOptions {
  readonly db: Database;
  readonly doorbell: Doorbell;
  readonly channels: Readonly<Record<Channel, SweptChannel>>;
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
  /** When a round or a batch of retention last ended, by the process's monotonic clock; for the liveness probe. */
  lastProgressMs(): number;
  /** Starts no further round, and waits for the one under way and for what is in hand past the queue. */
  stop(): Promise<void>;
}

/**
 * The periodic repair that makes rows the truth: it needs nothing from Redis, runs in every worker,
 * and several may run at once. A timer of the process, not a scheduled job: those vanish with Redis.
 */
export const startSweep = (options: SweepOptions): Sweep => {
  const { db, doorbell, channels, log, metrics } = options;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let lastProgressMs = performance.now();
  let retentionAtMs = performance.now();
  let parkedAppliedMs = -Infinity;
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

  /** The channels that this process delivers for and that have more due than one round takes. */
  const round = async (): Promise<readonly SweptChannel[]> => {
    const reclaimed = await step('reclaim', () => reclaimExpiredLeases(db, roundSize), 0);
    if (reclaimed > 0) log.warn({ reclaimed }, 'sweep.leases_reclaimed');
    const take = { limit: roundSize, graceMs: doorbell.isWorking() ? graceMs : 0, spacingMs };
    const due = await step('take_due', () => takeDueMessages(db, take), []);
    const rang = await step('ring', () => ringOrOffer(due), true);
    const applied = await step('parked_events', applyParked, 0);
    await forget();
    const oldest = await step('oldest_due', () => oldestDueSeconds(db), null);
    metrics.swept({ reclaimed, rung: rang ? due.length : 0, applied, oldestDueSeconds: oldest });
    lastProgressMs = performance.now();
    if (rang || due.length < roundSize) return [];
    return [...new Set(due.map(({ channel }) => channels[channel]))];
  };

  /** After a time without a round also what has waited for longer than a report is looked at. */
  const applyParked = async (): Promise<number> => {
    const startedMs = performance.now();
    const whenever = startedMs - parkedAppliedMs > catchUpAfterMs;
    let applied = 0;
    for (;;) {
      const count = await applyParkedEvents(db, roundSize, options.suppressDays, whenever);
      applied += count;
      // Catching up, all of them: what is a day old and not applied is forgotten as nobody's.
      if (!whenever || stopped || count < roundSize) break;
    }
    parkedAppliedMs = startedMs;
    return applied;
  };

  /**
   * Rings; what cannot be rung, or was rung in vain, is delivered by this process itself. The round does not
   * wait for that: what is more urgent and comes meanwhile is found by the next one, and goes before the rest.
   */
  const ringOrOffer = async (due: readonly DueMessage[]): Promise<boolean> => {
    const rang = await doorbell.ringAll(
      due.map(({ id, attempt, channel, priority }) => ({ messageId: id, attempt, channel, priority })),
    );
    for (const [channel, messages] of Map.groupBy(due, (message) => message.channel)) {
      const { backlog, mayOvertakeQueue, freeHands } = channels[channel];
      const inVain = mayOvertakeQueue ? messages.filter(wasRungInVain).slice(0, freeHands()) : [];
      backlog.offer(rang ? inVain : messages);
    }
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
    const crowded = await round();
    if (stopped) return;
    const waiting = setTimeout(start, options.intervalMs * (0.8 + 0.4 * Math.random()));
    timer = waiting;
    if (crowded.length > 0) void startWhenRoom(crowded, waiting);
  };
  const startWhenRoom = async (crowded: readonly SweptChannel[], waiting: NodeJS.Timeout): Promise<void> => {
    await Promise.all(crowded.map(({ backlog }) => backlog.room()));
    if (stopped || timer !== waiting) return;
    clearTimeout(waiting);
    start();
  };
  const start = (): void => {
    timer = undefined;
    running = run();
  };
  start();

  return {
    lastProgressMs: () => lastProgressMs,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
      await Promise.all(Object.values(channels).map(({ backlog }) => backlog.stop()));
    },
  };
};

const wasRungInVain = (message: DueMessage): boolean => message.overdueSeconds > deafAfterSeconds;
