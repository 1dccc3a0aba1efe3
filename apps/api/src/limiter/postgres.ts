import { decideLimits, type LimitSubject } from '@reconfirm/core/limits';
import type { Database } from '@reconfirm/db/database';
import { chargeLimits, readCharges, refundCharge } from '@reconfirm/db/limit-charges';
import type { Limiter } from './limiter.ts';

/** Limits in Postgres: for installations without Redis, and while Redis does not answer. */
export const createPostgresLimiter = (db: Database): Limiter => ({
  charge: async (subject: LimitSubject, chargeId) => {
    if (subject.limits.length === 0) return decideLimits(subject, [], true);
    const { charged, agesMs } = await chargeLimits(db, subject, chargeId);
    return decideLimits(subject, agesMs, charged);
  },
  refund: (subject, chargeId) => refundCharge(db, subject.key, chargeId),
  peek: async (subject) => {
    if (subject.limits.length === 0) return decideLimits(subject, [], true);
    const counted = await readCharges(db, subject);
    return decideLimits(
      subject,
      counted.map((c) => c.ageMs),
      false,
    );
  },
});
