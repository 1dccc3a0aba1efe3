import { AppError } from '@reconfirm/core/app-error';
import { decideLimits, type LimitDecision, type LimitSubject } from '@reconfirm/core/limits';
import { outlastBudget, waitTogether, withWaitBudget } from '@reconfirm/db/wait-budget';
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
 * How long a process charges in both after it has the primary again, or has learned that another process may be
 * without: longer than that other one takes to try it again, or to say once more that it is without.
 */
export const chargeInBothMs = 3 * restMs;

/**
 * The primary limiter while it answers, else what the setting says. After an outage the primary is
 * told to distrust what it remembers: it has missed the charges that were made elsewhere meanwhile. Processes do not
 * lose it and have it again in the same moment, so for a while each charges in both: what one lets through by the rows
 * counts for the other, and the other way round.
 */
export const createFallbackLimiter = (options: FallbackOptions): FallbackLimiter => {
  const { primary, fallback, beginWithout, onError, nowMs, onChange } = options;
  let working = true;
  let restUntilMs = 0;
  let begunWithout: Promise<void> | undefined;
  let bothUntilMs: number | undefined;
  const chargeInBoth = (): void => {
    bothUntilMs = nowMs() + chargeInBothMs;
  };
  primary.onBesideRows(chargeInBoth);

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
      if (bothUntilMs !== undefined && nowMs() >= bothUntilMs) {
        bothUntilMs = undefined;
        // What others charged in the rows alone, it has not been told.
        await primary.distrust();
      }
      if (!working) await primary.distrust();
      const result = await work(primary);
      if (!working) {
        working = true;
        begunWithout = undefined;
        chargeInBoth();
        onChange({ working });
      }
      return result;
    } catch (cause) {
      // The primary answered, but the rows it asked for did not come: the fall-back would wait for them again.
      if (cause instanceof AppError) throw cause;
      // Said again with each try: others charge in both for as long as it is.
      if (nowMs() >= restUntilMs) begunWithout = undefined;
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

  /** Once for each time that the primary was tried in vain, at the expense of no request in particular. */
  const beginOnce = (): Promise<void> => {
    if (begunWithout === undefined) {
      const begun = withWaitBudget(undefined, beginWithout);
      begunWithout = begun;
      begun.catch(() => {
        if (begunWithout === begun) begunWithout = undefined;
      });
    }
    return waitTogether(begunWithout);
  };

  const chargeTogether = async (
    instead: Limiter,
    subjects: readonly LimitSubject[],
    chargeId: string,
  ): Promise<readonly LimitDecision[]> => {
    const decisions = await call(instead, (limiter) => limiter.chargeTogether(subjects, chargeId));
    if (!isCharged(decisions) || !chargesBoth(instead)) return decisions;
    const byRows = await fallback.chargeTogether(subjects, chargeId);
    if (!isCharged(byRows))
      await Promise.allSettled(subjects.map((subject) => primary.refund(subject, chargeId)));
    // Redis may have been emptied between the two: whoever read the rows before the second does not know of this request.
    return byRows.map((decision, index) => underMemoryOf(decisions[index], decision));
  };

  const chargesBoth = (instead: Limiter): boolean =>
    instead === fallback && working && bothUntilMs !== undefined;

  const withOnError = (onErrorOf: FallbackOptions['onError']): Limiter => {
    const instead = insteadOf(onErrorOf);
    return {
      charge: async (subject, chargeId) => {
        const [decision] = await chargeTogether(instead, [subject], chargeId);
        if (decision === undefined) throw new Error('the limiter answered nothing');
        return decision;
      },
      chargeTogether: (subjects, chargeId) => chargeTogether(instead, subjects, chargeId),
      peek: (subject) => call(instead, (limiter) => limiter.peek(subject)),
      refund: (subject, chargeId) =>
        outlastBudget(async () => {
          await call(instead, (limiter) => limiter.refund(subject, chargeId));
          if (chargesBoth(instead)) await fallback.refund(subject, chargeId);
        }),
      forget: (memory) => {
        primary.forget(memory);
        if (working) chargeInBoth();
      },
    };
  };

  return { ...withOnError(onError), isPrimaryWorking: () => working, withOnError };
};

const underMemoryOf = (charged: LimitDecision | undefined, decision: LimitDecision): LimitDecision =>
  charged?.memory === undefined ? decision : { ...decision, memory: charged.memory };

const isCharged = (decisions: readonly LimitDecision[]): boolean => decisions.at(-1)?.allowed !== false;

const decideWithout = (subject: LimitSubject, onError: 'closed' | 'open') => {
  if (onError === 'closed')
    throw new AppError('limiter_unavailable', 'Redis does not answer, and without it this is refused', {
      retryAfterSeconds: 2,
    });
  return decideLimits(subject, [], true);
};
