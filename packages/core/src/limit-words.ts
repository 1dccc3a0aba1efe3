import type { LimitDecision } from './limits.ts';

/** What the limits of one address say about requests for one purpose now. */
export interface PurposeLimit {
  readonly purpose: string;
  /** Contracts that count alike. */
  readonly contracts: readonly string[];
  readonly decision: LimitDecision;
}

const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

/** A span as people say it: `1 minute`, `90 seconds`, `2 days`. */
export const spanInWords = (seconds: number): string => {
  const [name, size] = units.find(([, unit]) => seconds >= unit && seconds % unit === 0) ?? ['second', 1];
  const count = seconds / size;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
};

/** Whether anything of the address counts: limits that nobody has used say nothing about it. */
export const isUsed = ({ decision }: PurposeLimit): boolean =>
  decision.states.some(({ limit, remaining }) => remaining < limit.max);

const refusal = ({ purpose, contracts, decision }: PurposeLimit): string => {
  const full = decision.states.filter(({ remaining }) => remaining === 0).map(({ limit }) => limit);
  const used = full.map(({ max, windowSeconds }) => `${max} in ${spanInWords(windowSeconds)}`).join(' and ');
  return `A request for ${purpose} by ${contracts.join(' or ')} is refused now, because ${used} is used up; the next one is accepted in ${spanInWords(decision.retryAfterSeconds)}.`;
};

/**
 * What can be said of requests that left no row, in plain sentences. Only of the address: the limit of a client
 * is counted by the client's own address, which is not kept with this one.
 */
export const limitsInWords = (limits: readonly PurposeLimit[]): string => {
  const refusing = limits.filter(({ decision }) => !decision.allowed);
  if (refusing.length > 0)
    return `${refusing.map(refusal).join(' ')} A refused request leaves no message; the log has it under addressLabel.`;
  return limits.some(isUsed)
    ? 'No limit of this address is used up now. A request that was refused left no message; the log has it under addressLabel.'
    : 'Nothing is counted for this address now, so no limit of the address refuses a request.';
};
