/** Where the delivery of one event to one endpoint stands. `dead`: given up, until somebody replays it. */
export type DeliveryStatus = 'pending' | 'delivered' | 'dead';

/** What came of one attempt, in words that a log may hold. */
export type AttemptOutcome =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly reason: AttemptFailure };

export type AttemptFailure =
  | 'url_not_allowed'
  | 'address_not_allowed'
  | 'unresolvable'
  | 'timeout'
  | 'tls'
  | 'connection'
  | 'secret_unreadable';

/** Waits after each failed attempt but the last: 27.6 hours in all, as Svix and Standard Webhooks advise. */
export const retryDelaysSeconds = [5, 300, 1800, 7200, 18_000, 36_000, 36_000] as const;

export type AttemptVerdict =
  | { readonly status: 'delivered' }
  | { readonly status: 'pending'; readonly retryAfterSeconds: number }
  | { readonly status: 'dead'; readonly disablesEndpoint: boolean };

/**
 * What follows from an attempt. Only 2xx is success: a redirect is none, for what it leads to was never
 * judged. 410 says that nobody wants the events any more. `chance` (0 to 1) spreads the retries of many
 * events by a tenth to either side.
 */
export const judgeAttempt = (
  outcome: AttemptOutcome,
  failuresBefore: number,
  chance: number,
): AttemptVerdict => {
  if (outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300)
    return { status: 'delivered' };
  if (outcome.kind === 'answered' && outcome.status === 410)
    return { status: 'dead', disablesEndpoint: true };
  const delaySeconds = retryDelaysSeconds[failuresBefore];
  if (delaySeconds === undefined) return { status: 'dead', disablesEndpoint: false };
  return { status: 'pending', retryAfterSeconds: delaySeconds * (0.9 + 0.2 * chance) };
};
