import type { LimitDecision, LimitSubject } from '@reconfirm/core/limits';
import type { Limiter } from './limiter.ts';

export type Charged =
  | { readonly kind: 'charged'; readonly limits: readonly LimitDecision[] }
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

/** Charges several subjects of one request, all or none, in the order given; the first that refuses is named. */
export const chargeAll = async (
  limiter: Limiter,
  subjects: readonly LimitSubject[],
  chargeId: string,
): Promise<Charged> => {
  const limits = await limiter.chargeTogether(subjects, chargeId);
  const last = limits.at(-1);
  return last === undefined || last.allowed
    ? { kind: 'charged', limits }
    : { kind: 'limited', by: last, limits: [last] };
};

/** Takes the charges of one request back; what cannot be taken back runs out by itself. */
export const refundAll = async (
  limiter: Limiter,
  subjects: readonly LimitSubject[],
  chargeId: string,
): Promise<void> => {
  await Promise.allSettled(subjects.map((subject) => limiter.refund(subject, chargeId)));
};
