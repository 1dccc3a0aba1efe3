import type { SmsSkipReason } from '@reconfirm/core/resolve';
import { type CircuitRules, type Conversion, mustPause } from '@reconfirm/core/sms-circuit';
import { createBatcher } from '@reconfirm/db/batcher';
import { type Database, isDataError, isRetryable } from '@reconfirm/db/database';
import {
  pauseSms,
  type PauseScope,
  releaseSms,
  type ReservationOutcome,
  reserveSms,
  type SmsBudgets,
  type SmsReservation,
} from '@reconfirm/db/sms-spend';
import type { Logger } from '@reconfirm/process/logger';

/** The purse of SMS: nothing is handed over that was not paid for here before. */
export interface SmsSpending {
  /** Null when the money is reserved. Rejects only when the database does not answer. */
  reserve(reservation: SmsReservation): Promise<SmsSkipReason | null>;
  release(reservation: Pick<SmsReservation, 'messageId' | 'attempt'>): Promise<void>;
}

export interface SmsSpendingOptions {
  readonly db: Database;
  readonly budgets: SmsBudgets;
  readonly circuit: CircuitRules;
  readonly log: Logger;
  /** Told of every refusal: a budget that is used up is something to look at. */
  readonly refused: (reason: SmsSkipReason) => void;
}

export const createSmsSpending = (options: SmsSpendingOptions): SmsSpending => {
  const { db, budgets, circuit, log } = options;
  const reservations = createBatcher<SmsReservation, ReservationOutcome>({
    maxItems: 64,
    // One at a time: they would only wait for each other's lock.
    maxInFlight: 1,
    maxWaitMs: 10_000,
    retryAlone: (error) => isRetryable(error) || isDataError(error),
    runBatch: (batch) => reserveSms(db, batch, budgets),
  });

  /** Stops a block or a country whose codes are not used. Who finds out first says so. */
  const pause = async (scope: PauseScope, why: Conversion): Promise<void> => {
    if (await pauseSms(db, scope, why)) log.error({ scope, ...why }, 'sms.paused');
  };

  const judge = async (
    { country, prefix }: SmsReservation,
    outcome: Extract<ReservationOutcome, { kind: 'reserved' }>,
  ): Promise<SmsSkipReason | null> => {
    if (mustPause(outcome.prefix, circuit)) {
      await pause(`prefix:${prefix}`, outcome.prefix);
      return 'sms_prefix_paused';
    }
    if (mustPause(outcome.country, circuit)) {
      await pause(`country:${country}`, outcome.country);
      return 'sms_country_paused';
    }
    return null;
  };

  const decide = async (reservation: SmsReservation): Promise<SmsSkipReason | null> => {
    const outcome = await reservations.run(reservation);
    if (outcome.kind === 'refused') return outcome.reason;
    const reason = await judge(reservation, outcome);
    if (reason !== null) await releaseSms(db, reservation.messageId, reservation.attempt);
    return reason;
  };

  return {
    reserve: async (reservation) => {
      const reason = await decide(reservation);
      if (reason !== null) options.refused(reason);
      return reason;
    },
    release: ({ messageId, attempt }) => releaseSms(db, messageId, attempt),
  };
};
