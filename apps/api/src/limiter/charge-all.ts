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
  const limits: LimitDecision[] = [];
  for (const [index, subject] of subjects.entries()) {
    const decision = await limiter.charge(subject, chargeId);
    if (!decision.allowed) {
      await refundAll(limiter, subjects.slice(0, index), chargeId);
      return { kind: 'limited', by: decision, limits: [decision] };
    }
    limits.push(decision);
  }
  return { kind: 'charged', limits };
};

/** Takes the charges of one request back; what cannot be taken back runs out by itself. */
export const refundAll = async (
  limiter: Limiter,
  subjects: readonly LimitSubject[],
  chargeId: string,
): Promise<void> => {
  await Promise.allSettled(subjects.map((subject) => limiter.refund(subject, chargeId)));
};
