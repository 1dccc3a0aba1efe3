import type { Channel } from '@reconfirm/core/destination';
import { createBatcher } from '@reconfirm/db/batcher';
import { resendPendingChange } from '@reconfirm/db/change-resends';
import { beginAttempts, claimMessages } from '@reconfirm/db/claims';
import { type Database, isDataError, isRetryable } from '@reconfirm/db/database';
import { giveBackMessages, type MessageRecord, recordMessages } from '@reconfirm/db/records';
import type { DeliveryStore } from './deliver.ts';

export interface DeliveryStoreOptions {
  readonly db: Database;
  /** Only messages of this channel are claimed, whatever queue they were rung in. */
  readonly channel: Channel;
  readonly leaseSeconds: number;
  /** How long a record is tried again while the database is away: what was sent must be written down. */
  readonly recordPatienceMs: number;
  /** How long a hard bounce suppresses its address (`hardBounceDays`). */
  readonly suppressDays: readonly number[];
}

/** Two batches of each kind under way: one commits while the next is filled. */
const shape = {
  maxItems: 128,
  maxWaitMs: 10_000,
  maxInFlight: 2,
  retryAlone: (error: unknown) => isRetryable(error) || isDataError(error),
};

/** The statements of delivering, batched over the messages that are in hand at the same time. */
export const createDeliveryStore = (options: DeliveryStoreOptions): DeliveryStore => {
  const { db, channel, leaseSeconds, recordPatienceMs, suppressDays } = options;
  const claims = createBatcher({
    ...shape,
    runBatch: (ids: readonly string[]) => claimMessages(db, ids, leaseSeconds, channel),
  });
  const begins = createBatcher({
    ...shape,
    runBatch: (starts: Parameters<typeof beginAttempts>[1]) => beginAttempts(db, starts),
  });
  const records = createBatcher({
    ...shape,
    runBatch: async (batch: readonly MessageRecord[]) => {
      await recordMessages(db, batch, suppressDays);
      return batch.map(() => undefined);
    },
  });

  return {
    claim: (messageId) => claims.run(messageId),
    begin: (start) => begins.run(start),
    resendChange: (resend) => resendPendingChange(db, resend),
    record: (record) => tryUntil(() => records.run(record), recordPatienceMs),
    giveBack: (held, patienceMs = 0) => tryUntil(() => giveBackMessages(db, held), patienceMs),
  };
};

/** Repeats until it works or the patience is used up; the last error is thrown. */
const tryUntil = async (work: () => Promise<unknown>, patienceMs: number): Promise<void> => {
  const endMs = performance.now() + patienceMs;
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 2000)) {
    try {
      await work();
      return;
    } catch (error) {
      if (performance.now() + waitMs > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
};
