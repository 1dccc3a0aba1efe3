import type { LimitDecision, LimitSubject } from '@reconfirm/core/limits';
import type { Limiter } from './limiter.ts';

export type Charged =
  | { readonly kind: 'charged'; readonly limits: readonly LimitDecision[] }
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

/** What a subject is charged, under an id of its own. */
export interface Charge {
  readonly subject: LimitSubject;
  readonly chargeId: string;
}

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

/** The same for charges of several ids, one after the other. */
export const chargeEach = async (limiter: Limiter, charges: readonly Charge[]): Promise<Charged> => {
  const limits: LimitDecision[] = [];
  for (const [index, { subject, chargeId }] of charges.entries()) {
    const decision = await limiter.charge(subject, chargeId);
    if (!decision.allowed) {
      await refundEach(limiter, charges.slice(0, index));
      return { kind: 'limited', by: decision, limits: [decision] };
    }
    limits.push(decision);
  }
  return { kind: 'charged', limits };
};

/** Takes the charges of one request back; what cannot be taken back runs out by itself. */
export const refundAll = (
  limiter: Limiter,
  subjects: readonly LimitSubject[],
  chargeId: string,
): Promise<void> =>
  refundEach(
    limiter,
    subjects.map((subject) => ({ subject, chargeId })),
  );

/** The same for charges of several ids. */
export const refundEach = async (limiter: Limiter, charges: readonly Charge[]): Promise<void> => {
  await Promise.allSettled(charges.map(({ subject, chargeId }) => limiter.refund(subject, chargeId)));
};
