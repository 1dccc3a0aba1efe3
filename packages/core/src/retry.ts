import type { Channel } from './destination.ts';
import type { SmtpFailure } from './smtp-reply.ts';

/**
 * Waits after the 1st, 2nd, … failed attempt: 1, 5, 15, 30, 60 minutes, then two hours each.
 * Greylisting servers want 1 to 5 minutes; the first two waits cover them.
 */
const transientWaitsSeconds = [60, 300, 900, 1800, 3600, 7200] as const;

/** An SMS that is not there within minutes is of no use: the person has asked for another. */
const smsWaitsSeconds = [5, 15, 60, 180] as const;

/** An answer lost after the body left: the provider's own word usually comes within a minute. */
const ambiguousWaitSeconds = 60;

/** Our set-up is wrong (authentication, TLS, quota): the whole provider rests, growing to five minutes. */
const pauseWaitsSeconds = [5, 15, 60, 300] as const;

const waitAt = (waits: readonly number[], index: number): number =>
  waits[Math.min(index, waits.length - 1)] ?? 0;

/** Spreads a wait over 80 to 120 per cent; `chance` is a number from 0 to 1, drawn by the caller. */
const spread = (seconds: number, chance: number): number => Math.round(seconds * (0.8 + 0.4 * chance));

export interface RetryPlan {
  readonly afterSeconds: number;
  /** Whether this attempt counts against the message. What is our fault costs no recipient a try. */
  readonly countsAsFailure: boolean;
}

/**
 * When to try again after a failure that may pass. `failures`: failed attempts so far, this one not
 * counted. A server's own `retryAfterSeconds` is honoured up to two hours.
 */
export const planRetry = (
  failure: Pick<SmtpFailure, 'kind' | 'retryAfterSeconds'>,
  failures: number,
  chance: number,
  channel: Channel = 'email',
): RetryPlan => {
  if (failure.kind === 'ambiguous')
    return {
      afterSeconds: spread(Math.max(ambiguousWaitSeconds, failures * 60), chance),
      countsAsFailure: true,
    };
  if (failure.kind === 'misconfigured')
    return {
      afterSeconds: spread(waitAt(pauseWaitsSeconds, pauseWaitsSeconds.length - 1), chance),
      countsAsFailure: false,
    };
  const waitsSeconds = channel === 'sms' ? smsWaitsSeconds : transientWaitsSeconds;
  const planned = spread(waitAt(waitsSeconds, failures), chance);
  const asked = Math.min(failure.retryAfterSeconds ?? 0, 7200);
  return { afterSeconds: Math.max(planned, asked), countsAsFailure: true };
};

/** How long a misconfigured provider rests after its n-th refusal in a row (n from 0), in seconds. */
export const pauseSeconds = (refusalsInARow: number, chance: number): number =>
  spread(waitAt(pauseWaitsSeconds, refusalsInARow), chance);
