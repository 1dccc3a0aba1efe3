import { decideLimits, type LimitDecision, type LimitSubject } from '@reconfirm/core/limits';
import type { Database } from '@reconfirm/db/database';
import { chargeLimits, readCharges, refundCharge } from '@reconfirm/db/limit-charges';
import { outlastBudget } from '@reconfirm/db/wait-budget';
import type { Limiter } from './limiter.ts';

/** Limits in Postgres: for installations without Redis, and while Redis does not answer. */
export const createPostgresLimiter = (db: Database): Limiter => {
  const charge = async (subject: LimitSubject, chargeId: string): Promise<LimitDecision> => {
    if (subject.limits.length === 0) return decideLimits(subject, [], true);
    const { charged, agesMs } = await chargeLimits(db, subject, chargeId);
    return decideLimits(subject, agesMs, charged);
  };
  const refund = (subject: LimitSubject, chargeId: string): Promise<void> =>
    outlastBudget(() => refundCharge(db, subject.key, chargeId));
  const peek = async (subject: LimitSubject): Promise<LimitDecision> => {
    if (subject.limits.length === 0) return decideLimits(subject, [], true);
    const counted = await readCharges(db, subject);
    return decideLimits(
      subject,
      counted.map((c) => c.ageMs),
      false,
    );
  };

  /** One subject after the other, because each has a lock of its own; a refusal takes back those before it. */
  const chargeTogether = async (
    subjects: readonly LimitSubject[],
    chargeId: string,
  ): Promise<readonly LimitDecision[]> => {
    const decisions: LimitDecision[] = [];
    for (const subject of subjects) {
      const decision = await charge(subject, chargeId);
      if (!decision.allowed) {
        const charged = subjects.slice(0, decisions.length);
        for (const earlier of charged) await refund(earlier, chargeId);
        return [...(await Promise.all(charged.map(peek))), decision];
      }
      decisions.push(decision);
    }
    return decisions;
  };
  return { charge, chargeTogether, refund, peek, forget: () => {} };
};
