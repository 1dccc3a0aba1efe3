import type { Destination } from '@reconfirm/core/destination';
import type { LimitDecision } from '@reconfirm/core/limits';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { RulesOf } from './contract-rules.ts';
import type { Limiter } from './limiter/limiter.ts';
import { type KeySettings, makeRequestKeys } from './request-keys.ts';
import type { SmsIntake } from './resend.ts';

/** A request that nobody makes: what would the limits say to it? */
export interface SupposedRequest {
  readonly organizationId: string;
  readonly purpose: Purpose;
  readonly destination: Destination;
  readonly clientAddress: string;
}

export interface LimitCheck {
  /** Why no SMS goes to the number, whatever the limits say; null for mail and for numbers that may have one. */
  readonly smsRefusal: ReturnType<SmsIntake['refusalOf']>;
  /** The buckets of client and address, each as it stands by itself. */
  readonly buckets: readonly LimitDecision[];
  /** The bucket that a request now would be refused by; null where it would pass. */
  readonly refusedBy: LimitDecision['kind'] | null;
  /** Until nothing refuses any more, if nobody else asks meanwhile. */
  readonly retryAfterSeconds: number;
}

export type CheckLimits = (contract: string, request: SupposedRequest) => Promise<LimitCheck>;

/**
 * Asks the limits about a request without charging anything; the buckets in the order in which a request
 * meets them. Throws for a contract that is not in `rules`.
 */
export const createCheckLimits = (deps: {
  readonly keys: KeySettings;
  readonly rules: ReadonlyMap<string, RulesOf>;
  readonly limiter: Limiter;
  readonly sms: SmsIntake;
}): CheckLimits => {
  return async (contract, request) => {
    const rulesOf = deps.rules.get(contract);
    if (rulesOf === undefined) throw new Error(`no limits of ${contract} are known`);
    const { limits } = rulesOf(request.organizationId);
    const keys = makeRequestKeys(deps.keys, { ...request, limits });
    const isSms = request.destination.channel === 'sms';
    const limiter = isSms ? deps.sms.limiter : deps.limiter;
    const buckets = [await limiter.peek(keys.ip), await limiter.peek(keys.address)];
    return {
      smsRefusal: isSms ? deps.sms.refusalOf(request.destination) : null,
      buckets,
      refusedBy: buckets.find(({ allowed }) => !allowed)?.kind ?? null,
      retryAfterSeconds: Math.max(...buckets.map((bucket) => bucket.retryAfterSeconds)),
    };
  };
};
