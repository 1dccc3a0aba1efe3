import type { LimitDecision, LimitSubject } from '@reconfirm/core/limits';

/**
 * Reads and charges all limits of a subject in one step, all or none. A charge has an id: charging
 * the same id again changes nothing, so a call whose answer was lost may be repeated.
 */
export interface Limiter {
  /** Charges when every limit has room; a refused request charges nothing. */
  charge(subject: LimitSubject, chargeId: string): Promise<LimitDecision>;
  /**
   * Charges several subjects of one request, all or none. Decides in the order given, up to the first
   * subject that refuses: the last decision says whether anything was charged.
   */
  chargeTogether(subjects: readonly LimitSubject[], chargeId: string): Promise<readonly LimitDecision[]>;
  /**
   * Takes a charge back, for a request that could not be accepted after all. Goes on when that request has to
   * be answered before it is done.
   */
  refund(subject: LimitSubject, chargeId: string): Promise<void>;
  /** What a charge would say now, without charging. */
  peek(subject: LimitSubject): Promise<LimitDecision>;
  /**
   * Told that no row can be written any more of what was charged under a memory (`LimitDecision.memory`): from here on
   * nothing is charged under it, and what it held is read from the rows again.
   */
  forget(memory: number): void;
}
