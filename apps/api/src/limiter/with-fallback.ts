import { AppError } from '@reconfirm/core/app-error';
import { decideLimits, type LimitSubject } from '@reconfirm/core/limits';
import type { Limiter } from './limiter.ts';
import type { RedisLimiter } from './redis.ts';

export interface FallbackOptions {
  readonly primary: RedisLimiter;
  readonly fallback: Limiter;
  /** Lets no more rows be written of what the primary was charged, before the fall-back counts them. */
  readonly beginWithout: () => Promise<void>;
  /** LIMITER_ON_ERROR. */
  readonly onError: 'postgres' | 'closed' | 'open';
  readonly nowMs: () => number;
  /** Told when the primary stops or starts answering: once each. */
  readonly onChange: (change: { readonly working: boolean; readonly cause?: unknown }) => void;
}

export interface FallbackLimiter extends Limiter {
  isPrimaryWorking(): boolean;
  /** The same limiter for requests that something else must become of while the primary does not answer. */
  withOnError(onError: FallbackOptions['onError']): Limiter;
}

/** How long a primary that did not answer is left alone, so that requests do not each wait for its deadline. */
const restMs = 1000;

/**
 * The primary limiter while it answers, else what the setting says. After an outage the primary is
 * told to distrust what it remembers: it has missed the charges that were made elsewhere meanwhile.
 */
export const createFallbackLimiter = (options: FallbackOptions): FallbackLimiter => {
  const { primary, fallback, beginWithout, onError, nowMs, onChange } = options;
  let working = true;
  let restUntilMs = 0;
  let begunWithout: Promise<void> | undefined;

  const insteadOf = (onErrorOf: FallbackOptions['onError']): Limiter =>
    onErrorOf === 'postgres'
      ? fallback
      : {
          charge: async (subject) => decideWithout(subject, onErrorOf),
          chargeTogether: async (subjects) => subjects.map((subject) => decideWithout(subject, onErrorOf)),
          peek: async (subject) => decideWithout(subject, onErrorOf),
          refund: async () => {},
          forget: () => {},
        };

  const call = async <T>(instead: Limiter, work: (limiter: Limiter) => Promise<T>): Promise<T> => {
    if (!working && nowMs() < restUntilMs) return workWithout(instead, work);
    try {
      if (!working) await primary.distrust();
      const result = await work(primary);
      if (!working) {
        working = true;
        begunWithout = undefined;
        onChange({ working });
      }
      return result;
    } catch (cause) {
      // The primary answered, but the rows it asked for did not come: the fall-back would wait for them again.
      if (cause instanceof AppError) throw cause;
      restUntilMs = nowMs() + restMs;
      if (working) {
        working = false;
        onChange({ working, cause });
      }
      return workWithout(instead, work);
    }
  };

  const workWithout = async <T>(instead: Limiter, work: (limiter: Limiter) => Promise<T>): Promise<T> => {
    if (instead === fallback) await beginOnce();
    return work(instead);
  };

  /** Once for each time that the primary does not answer. */
  const beginOnce = async (): Promise<void> => {
    const begun = (begunWithout ??= beginWithout());
    try {
      await begun;
    } catch (error) {
      if (begunWithout === begun) begunWithout = undefined;
      throw error;
    }
  };

  const withOnError = (onErrorOf: FallbackOptions['onError']): Limiter => {
    const instead = insteadOf(onErrorOf);
    return {
      charge: (subject, chargeId) => call(instead, (limiter) => limiter.charge(subject, chargeId)),
      chargeTogether: (subjects, chargeId) =>
        call(instead, (limiter) => limiter.chargeTogether(subjects, chargeId)),
      peek: (subject) => call(instead, (limiter) => limiter.peek(subject)),
      refund: (subject, chargeId) => call(instead, (limiter) => limiter.refund(subject, chargeId)),
      forget: (memory) => primary.forget(memory),
    };
  };

  return { ...withOnError(onError), isPrimaryWorking: () => working, withOnError };
};

const decideWithout = (subject: LimitSubject, onError: 'closed' | 'open') => {
  if (onError === 'closed')
    throw new AppError('limiter_unavailable', 'Redis does not answer, and without it this is refused', {
      retryAfterSeconds: 2,
    });
  return decideLimits(subject, [], true);
};
