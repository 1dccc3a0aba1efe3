import { createBatcher } from '@reconfirm/db/batcher';
import { type Database, isDataError, isRetryable } from '@reconfirm/db/database';
import {
  applyStoredEvents,
  type EventOutcome,
  type IncomingEvent,
  storeDeliveryEvents,
  storeEventsForLater,
} from '@reconfirm/db/delivery-events';
import { waitTogether, withWaitBudget } from '@reconfirm/db/wait-budget';

/** As many reports as are stored and applied in a few milliseconds; a request with more is applied afterwards. */
const atOnceMax = 64;
/** As many reports as a transaction takes and applies in about 25 ms. */
const batchMax = 256;
/**
 * While one batch waits for the disk the next is at work. Not more: batches grow by themselves, and each
 * transaction costs as much as ten reports.
 */
const batchesAtOnce = 2;
/** Reports that may wait to be applied, a few seconds' worth: from then on requests wait as well. */
const waitingMax = 10_000;

/** Where a provider's reports become rows and move their messages. */
export interface ReportIntake {
  /**
   * Resolves when all reports of one request are committed, with an outcome each; none is when it rejects, or
   * that is not certain. Small requests that arrive together share a transaction, in which their messages
   * move too; where one has a value that cannot be stored, each is run alone: it fails no other. A large one has a
   * transaction of its own that only stores; its messages move right after the answer, and should this
   * process end before that, by the sweep.
   */
  store(reports: readonly IncomingEvent[]): Promise<readonly EventOutcome[]>;
}

export interface ReportIntakeOptions {
  readonly db: Database;
  /** For how long a hard bounce suppresses its address (`hardBounceDays`). */
  readonly suppressDays: readonly number[];
  /** How long a request may wait for its batch while the database does not answer. */
  readonly maxWaitMs: number;
  readonly onBatch: (requests: number) => void;
  /** Reports are stored and could not be applied now: the sweep does it. */
  readonly onNotApplied: (error: unknown) => void;
}

export const createReportIntake = (options: ReportIntakeOptions): ReportIntake => {
  const { db, suppressDays, maxWaitMs, onBatch } = options;
  const batcher = createBatcher<readonly IncomingEvent[], readonly EventOutcome[]>({
    maxItems: batchMax,
    sizeOf: (reports) => reports.length,
    maxInFlight: batchesAtOnce,
    maxWaitMs,
    retryAlone: (error) => isDataError(error) || isRetryable(error),
    runBatch: async (requests) => {
      onBatch(requests.length);
      const outcomes = await storeDeliveryEvents(db, requests.flat(), suppressDays);
      let from = 0;
      return requests.map(({ length }) => outcomes.slice(from, (from += length)));
    },
  });

  let waiting: string[] = [];
  let applying: Promise<void> = Promise.resolve();
  let isApplying = false;
  const applyAll = async (): Promise<void> => {
    isApplying = true;
    try {
      while (waiting.length > 0) {
        const ids = waiting.slice(0, batchMax);
        waiting = waiting.slice(batchMax);
        await applyStoredEvents(db, ids, suppressDays);
      }
    } catch (error) {
      // The database is away, or a row will not do: nothing here could mend that.
      waiting = [];
      options.onNotApplied(error);
    } finally {
      isApplying = false;
    }
  };

  const storeForLater = async (reports: readonly IncomingEvent[]): Promise<readonly EventOutcome[]> => {
    if (waiting.length > waitingMax) await waitTogether(applying);
    onBatch(1);
    const { outcomes, ids } = await storeEventsForLater(db, reports);
    waiting.push(...ids);
    // At nobody's expense.
    if (!isApplying) applying = withWaitBudget(undefined, applyAll);
    return outcomes;
  };

  return {
    store: async (reports) => {
      if (reports.length === 0) return [];
      return reports.length > atOnceMax ? storeForLater(reports) : batcher.run(reports);
    },
  };
};
