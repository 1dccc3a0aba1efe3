import type { CaptchaAction, CaptchaOutcome } from '@reconfirm/core/captcha/captcha';
import { type CaptchaWhen, goesOnWithoutCaptcha } from '@reconfirm/core/captcha/policy';
import type { Channel } from '@reconfirm/core/destination';
import type { LimitDecision } from '@reconfirm/core/limits';
import type { Limiter } from '../limiter/limiter.ts';
import type { RequestKeys } from '../request-keys.ts';
import type { Captcha } from './captcha.ts';

type NotPassed = Exclude<CaptchaOutcome, 'passed'>;

/** A captcha that keeps a request from going on; each kind is an outcome of its own in every contract. */
export type CaptchaRefusal = { readonly [O in NotPassed]: { readonly kind: `captcha_${O}` } }[NotPassed];

export type GateRefusal =
  | { readonly kind: 'limited'; readonly by: LimitDecision; readonly limits: readonly LimitDecision[] }
  | CaptchaRefusal;

export interface GateQuestion {
  readonly keys: Pick<RequestKeys, 'address' | 'chargeId'>;
  readonly action: CaptchaAction;
  readonly channel: Channel;
  readonly clientAddress: string;
  readonly answer: string | undefined;
}

/**
 * What a request must show after the limit of its client was asked: null lets it go on without a captcha,
 * `passed` with one that was solved. Decided by client and address alone, never by who has an account.
 */
export type CaptchaGate = (
  ip: LimitDecision,
  question: GateQuestion,
) => Promise<GateRefusal | 'passed' | null>;

export interface GateOptions {
  /** Undefined: no captcha is configured, and the limit of the client is all there is. */
  readonly captcha: Captcha | undefined;
  readonly when: CaptchaWhen;
  readonly onOutage: 'open' | 'closed';
  readonly limiter: Pick<Limiter, 'peek'>;
}

export const createCaptchaGate = ({ captcha, when, onOutage, limiter }: GateOptions): CaptchaGate => {
  return async (ip, question) => {
    const limitHolds = captcha === undefined || when === 'always';
    if (!ip.allowed && limitHolds) return limitedBy(ip);
    if (captcha === undefined || (ip.allowed && when === 'ip_full')) return null;
    // An answer is spent once: a request that its cooldown will refuse must not cost one.
    const address = await limiter.peek(question.keys.address);
    if (!address.allowed) return { kind: 'limited', by: address, limits: [ip, address] };
    const outcome = await captcha.check(question.answer, {
      action: question.action,
      clientAddress: question.clientAddress,
      requestId: question.keys.chargeId,
    });
    if (outcome === 'passed') return 'passed';
    if (outcome === 'unavailable' && goesOnWithoutCaptcha(question.channel, onOutage))
      return ip.allowed ? null : limitedBy(ip);
    return refusals[outcome];
  };
};

/** A refusal by one limit. */
export const limitedBy = (by: LimitDecision): GateRefusal => ({ kind: 'limited', by, limits: [by] });

const refusals = {
  required: { kind: 'captcha_required' },
  expired: { kind: 'captcha_expired' },
  reused: { kind: 'captcha_reused' },
  failed: { kind: 'captcha_failed' },
  unavailable: { kind: 'captcha_unavailable' },
} as const satisfies { [O in NotPassed]: { readonly kind: `captcha_${O}` } };
