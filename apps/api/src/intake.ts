import {
  type Acceptance,
  acceptMessages,
  type MessageRequest,
  priorityOfRequest,
} from '@reconfirm/db/accept-messages';
import { createBatcher } from '@reconfirm/db/batcher';
import { type Database, isDataError, isRetryable } from '@reconfirm/db/database';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import { writeFault } from './write-fault.ts';

/** Rings for a message that was written elsewhere, after its commit. */
export type Ring = (messageId: string, purpose: Pick<Purpose, 'channel' | 'priority'>) => void;

/** Where a request becomes a row: from here on it is owed. */
export interface Intake {
  /**
   * Resolves when the row is committed; the bell rings after that and nobody waits for it. Requests
   * that arrive together share one INSERT and one commit, and each gets its own answer. Throws
   * `database_unavailable` when nothing was written, `outcome_unknown` when that is not certain.
   */
  accept(request: MessageRequest): Promise<Acceptance>;
}

export interface IntakeOptions {
  readonly db: Database;
  readonly doorbell: Doorbell;
  readonly batchMax: number;
  /** How long a request may wait for its batch while the database does not answer. */
  readonly maxWaitMs: number;
  readonly onBatch: (size: number) => void;
}

export const createIntake = (options: IntakeOptions): Intake => {
  const { db, doorbell, batchMax, onBatch } = options;
  const batcher = createBatcher<MessageRequest, Acceptance>({
    maxItems: batchMax,
    maxInFlight: 1,
    maxWaitMs: options.maxWaitMs,
    retryAlone: (error) => isDataError(error) || isRetryable(error),
    runBatch: (requests) => {
      onBatch(requests.length);
      return acceptMessages(db, requests);
    },
  });
  return {
    accept: async (request) => {
      const acceptance = await batcher.run(request).catch((cause: unknown) => {
        throw writeFault(cause);
      });
      if (acceptance === 'accepted')
        doorbell.ring({
          messageId: request.id,
          attempt: 0,
          channel: request.channel,
          priority: priorityOfRequest(request),
        });
      return acceptance;
    },
  };
};
