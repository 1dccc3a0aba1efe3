import { AppError } from '@reconfirm/core/app-error';
import type { Limiter } from './limiter.ts';

/** The same limiter, whose failures are told from those of the statements around it. */
export const withNamedFault = (limiter: Limiter): Limiter => {
  const named = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw new AppError('limiter_unavailable', 'the limits could not be counted', {
        cause,
        retryAfterSeconds: 2,
      });
    });
  return {
    charge: (subject, chargeId) => named(limiter.charge(subject, chargeId)),
    chargeTogether: (subjects, chargeId) => named(limiter.chargeTogether(subjects, chargeId)),
    refund: (subject, chargeId) => named(limiter.refund(subject, chargeId)),
    peek: (subject) => named(limiter.peek(subject)),
    forget: (memory) => limiter.forget(memory),
  };
};
