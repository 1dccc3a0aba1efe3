import { AppError } from '@reconfirm/core/app-error';
import type { LimitDecision } from '@reconfirm/core/limits';
import type { ChargeForgotten } from '@reconfirm/db/charged-transaction';
import { type Charge, chargeEach, type Charged, refundEach } from './charge-all.ts';
import type { Limiter } from './limiter.ts';

/** How often Redis may forget while one request is written. */
export const forgottenMax = 2;

/** Of several calls the first: whatever Redis forgot after it is not written. Null: nothing was charged in Redis. */
export const limitMemoryOf = (limits: readonly LimitDecision[]): number | null =>
  limits.find(({ memory }) => memory !== undefined)?.memory ?? null;

/** That a request is not written although nothing is known that keeps it from being. */
export const writtenByNobody = (): AppError =>
  new AppError('database_unavailable', 'what kept the request from being written is gone', {
    retryAfterSeconds: 1,
  });

export type WrittenCharged<T> =
  | { readonly kind: 'written'; readonly written: T; readonly limits: readonly LimitDecision[] }
  | Extract<Charged, { kind: 'limited' }>;

export interface ChargedRequest {
  readonly limiter: Limiter;
  /** What was charged for it. */
  readonly charges: readonly Charge[];
  /** What the limiter said to it, and to what was not charged. */
  readonly limits: readonly LimitDecision[];
}

/**
 * Writes a request that was charged, and has no idempotency key. When Redis forgot its charges before they were a row, they
 * are made again by what the rows say now, and it is written then, or limited. Throws `database_unavailable` when Redis forgets
 * again and again. Nothing stays charged of what is limited, or given up.
 */
export const writeCharged = async <T>(
  request: ChargedRequest,
  write: (limitMemory: number | null) => Promise<T | ChargeForgotten>,
): Promise<WrittenCharged<T>> => {
  const { limiter, charges } = request;
  let { limits } = request;
  for (let turnsLeft = forgottenMax; ; turnsLeft -= 1) {
    const limitMemory = limitMemoryOf(limits);
    const written = await write(limitMemory);
    if (written !== 'charge_forgotten') return { kind: 'written', written, limits };
    await refundEach(limiter, charges);
    if (limitMemory === null || turnsLeft === 0) throw writtenByNobody();
    limiter.forget(limitMemory);
    const again = await chargeEach(limiter, charges);
    if (again.kind === 'limited') return again;
    limits = again.limits;
  }
};
