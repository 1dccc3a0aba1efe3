import { type LimitDecision, type LimitState, tightestState } from '@reconfirm/core/limits';

/** Structured-field strings hold no quotes or backslashes here: the names are ours. */
const quoted = (name: string): string => `"${name}"`;

const policyName = (decision: LimitDecision, state: LimitState): string =>
  decision.states.length === 1 ? decision.kind : `${decision.kind}-${state.limit.windowSeconds}`;

/**
 * `RateLimit-Policy` names every limit, `RateLimit` the tightest state of each subject
 * (draft-ietf-httpapi-ratelimit-headers-11); `Retry-After` (RFC 9110, 10.2.3) says when the same
 * request is accepted again: on a refusal at least 1, otherwise the address's cooldown.
 */
export const rateLimitHeaders = (
  decisions: readonly LimitDecision[],
  by: LimitDecision | undefined,
): Readonly<Record<string, string>> => {
  const headers: Record<string, string> = {};
  const limited = decisions.filter((decision) => decision.states.length > 0);
  if (limited.length > 0) {
    headers['ratelimit-policy'] = limited
      .flatMap((d) =>
        d.states.map((s) => `${quoted(policyName(d, s))};q=${s.limit.max};w=${s.limit.windowSeconds}`),
      )
      .join(', ');
    headers['ratelimit'] = limited
      .flatMap((d) => {
        const state = tightestState(d.states);
        return state === undefined
          ? []
          : [`${quoted(policyName(d, state))};r=${state.remaining};t=${state.resetSeconds}`];
      })
      .join(', ');
  }
  const waitSeconds = by?.retryAfterSeconds ?? nextWaitSeconds(limited);
  if (waitSeconds > 0) headers['retry-after'] = String(waitSeconds);
  return headers;
};

/** How long until one more request would be accepted: the longest wait among limits with nothing left. */
export const nextWaitSeconds = (decisions: readonly LimitDecision[]): number =>
  Math.max(
    0,
    ...decisions.flatMap((d) => d.states.filter((s) => s.remaining === 0).map((s) => s.resetSeconds)),
  );
