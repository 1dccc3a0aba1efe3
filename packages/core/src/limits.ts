import type { Channel } from './destination.ts';

/** At most `max` accepted requests of one subject in any span of `windowSeconds`. */
export interface Limit {
  readonly max: number;
  readonly windowSeconds: number;
}

/** What a limit counts. `ip`: one client prefix. `address`: one mailbox, for one purpose. */
export type LimitKind = 'ip' | 'address';

/** All limits of one subject; they are checked and charged in one call, all or none. */
export interface LimitSubject {
  readonly kind: LimitKind;
  /** A keyed hash; the subject itself is never stored or logged. */
  readonly key: Uint8Array;
  readonly limits: readonly Limit[];
  /**
   * How long its requests are remembered; at least the longest window. Several contracts count the same
   * subject by limits of their own, and none may forget what another still counts.
   */
  readonly rememberSeconds: number;
}

/** What one purpose has in place of what its contract allows to a mailbox or a phone. */
export interface PurposeLimits {
  readonly channel: Channel;
  readonly limits: readonly Limit[];
}

/** What one contract allows: to one client, to one mailbox and to one phone. */
export interface ContractLimits {
  readonly ip: readonly Limit[];
  readonly email: readonly Limit[];
  readonly phone: readonly Limit[];
  /** By the purpose's name; the others have what stands above. */
  readonly purposes?: ReadonlyMap<string, PurposeLimits>;
}

/** The longest that any of some contracts looks back, in seconds, for each kind of subject. */
export type RememberSeconds = Readonly<Record<'ip' | 'email' | 'phone', number>>;

/**
 * Mailboxes and phones apart: a day's limit of phones must not keep a day of every mailbox's requests.
 * `leastSeconds`: what organizations may set besides.
 */
export const rememberSecondsOf = (
  contracts: readonly ContractLimits[],
  leastSeconds = 0,
): RememberSeconds => {
  const longest = (limitsOf: (contract: ContractLimits) => readonly Limit[]): number =>
    Math.max(leastSeconds, longestWindowSeconds(contracts.flatMap(limitsOf)));
  return {
    ip: longest(({ ip }) => ip),
    email: longest((contract) => [...contract.email, ...ofPurposes(contract, 'email')]),
    phone: longest((contract) => [...contract.phone, ...ofPurposes(contract, 'sms')]),
  };
};

const ofPurposes = ({ purposes = new Map() }: ContractLimits, channel: Channel): readonly Limit[] =>
  [...purposes.values()].flatMap((own) => (own.channel === channel ? own.limits : []));

/** What is left of one limit after a call. `resetSeconds`: until the oldest counted request leaves the window. */
export interface LimitState {
  readonly limit: Limit;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** A refusal names the moment from which the same request is accepted. Charged or not, every limit is reported. */
export interface LimitDecision {
  readonly allowed: boolean;
  readonly kind: LimitKind;
  /** 0 when allowed, else whole seconds, rounded up, at least 1: waiting exactly that long is enough. */
  readonly retryAfterSeconds: number;
  readonly states: readonly LimitState[];
  /** Of a charge that Redis holds: since when it remembers (ms of its clock), which is what it may forget. */
  readonly memory?: number;
}

/** Windows end where message rows may be forgotten: the fall-back counts rows of at most one day. */
export const limitWindowSecondsMax = 86_400;

/** Every counted request is remembered by itself, about 100 bytes; a thousand a subject is the ceiling. */
export const limitMaxMax = 1_000;

/** Reads `5/3600` or `1/60,5/86400` (count/seconds, comma between several). `off` means no limit. */
export const parseLimits = (text: string): readonly Limit[] | { readonly problem: string } => {
  if (text.trim() === 'off') return [];
  const limits: Limit[] = [];
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,6})\/(\d{1,6})\s*$/.exec(part);
    if (match === null)
      return { problem: 'must look like 5/3600 (count/seconds), several with a comma between, or off' };
    const [max, windowSeconds] = [Number(match[1]), Number(match[2])];
    if (max < 1 || max > limitMaxMax) return { problem: `the count must lie between 1 and ${limitMaxMax}` };
    if (windowSeconds < 1 || windowSeconds > limitWindowSecondsMax)
      return { problem: `the seconds must lie between 1 and ${limitWindowSecondsMax}` };
    limits.push({ max, windowSeconds });
  }
  return limits;
};

/** The longest span that a subject's past matters for, in seconds; 0 without limits. */
export const longestWindowSeconds = (limits: readonly Limit[]): number =>
  limits.reduce((longest, limit) => Math.max(longest, limit.windowSeconds), 0);

/**
 * Decides from the ages (ms, any order) of a subject's counted requests. Both stores take their
 * answer from the same arithmetic, so that falling back never changes what a caller is told.
 * `charged`: whether the request at hand is already among the ages.
 */
export const decideLimits = (
  subject: Pick<LimitSubject, 'kind' | 'limits'>,
  agesMs: readonly number[],
  charged: boolean,
): LimitDecision => {
  const newestFirst = agesMs.toSorted((a, b) => a - b);
  let retryAfterSeconds = 0;
  const states = subject.limits.map((limit): LimitState => {
    const windowMs = limit.windowSeconds * 1000;
    const inside = newestFirst.filter((age) => age < windowMs);
    // Room appears when the max-th newest request leaves the window.
    const blocking = charged ? undefined : inside[limit.max - 1];
    if (blocking !== undefined)
      retryAfterSeconds = Math.max(retryAfterSeconds, Math.ceil((windowMs - blocking) / 1000), 1);
    const oldest = inside[Math.min(inside.length, limit.max) - 1];
    return {
      limit,
      remaining: Math.max(0, limit.max - inside.length),
      resetSeconds: oldest === undefined ? limit.windowSeconds : Math.ceil((windowMs - oldest) / 1000),
    };
  });
  return { allowed: retryAfterSeconds === 0, kind: subject.kind, retryAfterSeconds, states };
};

/** The tightest of several limits: fewest requests left, and of those the longest wait. */
export const tightestState = (states: readonly LimitState[]): LimitState | undefined =>
  states.toSorted((a, b) => a.remaining - b.remaining || b.resetSeconds - a.resetSeconds)[0];
