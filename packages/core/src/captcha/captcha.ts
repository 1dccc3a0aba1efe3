/** What the answer was asked for: an answer for one thing is worth nothing for another. */
export type CaptchaAction = 'register' | 'resend';

/**
 * What became of a captcha. `unavailable`: nobody can say, because the provider did not answer, or refuses
 * our own secret. Everything but `passed` has a code of its own, so that a page knows what to do next.
 */
export type CaptchaOutcome = 'passed' | 'required' | 'expired' | 'reused' | 'failed' | 'unavailable';

/** Why, in words that go to the log and to a metric; no word of the caller is among them. */
export type CaptchaReason =
  | 'none'
  | 'malformed'
  | 'rejected'
  | 'hostname'
  | 'action'
  | 'age'
  | 'score'
  | 'spent'
  | 'secret'
  | 'no_answer';

export interface CaptchaVerdict {
  readonly outcome: CaptchaOutcome;
  readonly reason: CaptchaReason;
}

/** What an answer must agree with. */
export interface CaptchaExpectation {
  readonly action: CaptchaAction;
  /** Where the widget may have stood; empty only where the provider tells no hostname. */
  readonly hostnames: readonly string[];
  /** Least score of reCAPTCHA v3, 0 to 1. */
  readonly minScore: number;
}

export interface SiteverifyRequest {
  readonly secret: string;
  readonly siteKey: string | undefined;
  readonly answer: string;
  readonly clientAddress: string;
  /** The same for every repetition of one request (a UUID). */
  readonly requestId: string;
}

/** A provider that is asked by one POST of a form. Adding one: a file beside `turnstile.ts` and a line in `registry.ts`. */
export interface SiteverifyProvider {
  readonly name: string;
  readonly url: string;
  /** Longest answer that its widget makes. */
  readonly answerSizeMax: number;
  /** Whether asking again about the same answer, for the same request, is safe. */
  readonly mayAskAgain: boolean;
  readonly form: (request: SiteverifyRequest) => Readonly<Record<string, string>>;
  readonly judge: (answer: unknown, expected: CaptchaExpectation, now: Date) => CaptchaVerdict;
}

const passed: CaptchaVerdict = { outcome: 'passed', reason: 'none' };

/** What the three siteverify answers have in common. */
interface SiteverifyAnswer {
  readonly success?: unknown;
  readonly hostname?: unknown;
  readonly action?: unknown;
  readonly challenge_ts?: unknown;
  readonly score?: unknown;
  readonly 'error-codes'?: unknown;
}

export interface SiteverifyRules {
  /** How long after it was made an answer counts; the provider's own limit. */
  readonly maxAgeSeconds: number;
  /** `always`: an answer without the action is refused. `with_score`: only of reCAPTCHA v3, which alone tells one. */
  readonly tellsAction: 'always' | 'with_score' | 'never';
}

/** Clocks of provider and ours may differ by this much. */
const skewSeconds = 60;

/**
 * Judges a siteverify answer: success, hostname, action, age, score. Anything that is not what the
 * provider documents is no success.
 */
export const judgeSiteverify = (
  body: unknown,
  expected: CaptchaExpectation,
  now: Date,
  rules: SiteverifyRules,
): CaptchaVerdict => {
  if (typeof body !== 'object' || body === null) return { outcome: 'unavailable', reason: 'malformed' };
  const answer = body as SiteverifyAnswer;
  if (answer.success !== true) return judgeErrors(answer['error-codes']);
  if (!isExpectedHostname(answer.hostname, expected)) return { outcome: 'failed', reason: 'hostname' };
  if (!isExpectedAction(answer, expected, rules)) return { outcome: 'failed', reason: 'action' };
  if (!isYoung(answer.challenge_ts, now, rules)) return { outcome: 'expired', reason: 'age' };
  const { score } = answer;
  if (score !== undefined && !(typeof score === 'number' && score >= expected.minScore))
    return { outcome: 'failed', reason: 'score' };
  return passed;
};

/** Error codes that mean our own set-up, spelled alike by all three. */
const ourFault = /^(missing|invalid)-input-secret$|^sitekey-secret-mismatch$|^invalid-keys?$/;
/** Too old, or spent: the providers do not tell which. What we accepted ourselves is known to be spent before. */
const tooLate =
  /^(timeout-or-duplicate|expired-input-response|already-seen-response|invalid-or-already-seen-response)$/;

const judgeErrors = (codes: unknown): CaptchaVerdict => {
  const list = Array.isArray(codes) ? codes.filter((code) => typeof code === 'string') : [];
  if (list.some((code) => ourFault.test(code))) return { outcome: 'unavailable', reason: 'secret' };
  if (list.includes('internal-error')) return { outcome: 'unavailable', reason: 'no_answer' };
  if (list.some((code) => tooLate.test(code))) return { outcome: 'expired', reason: 'rejected' };
  return { outcome: 'failed', reason: 'rejected' };
};

const isExpectedHostname = (hostname: unknown, { hostnames }: CaptchaExpectation): boolean =>
  typeof hostname === 'string' && hostnames.includes(hostname.toLowerCase());

const isExpectedAction = (
  answer: SiteverifyAnswer,
  { action }: CaptchaExpectation,
  { tellsAction }: SiteverifyRules,
): boolean => {
  const mustTell = tellsAction === 'always' || (tellsAction === 'with_score' && answer.score !== undefined);
  return mustTell ? answer.action === action : true;
};

const isYoung = (made: unknown, now: Date, { maxAgeSeconds }: SiteverifyRules): boolean => {
  const madeMs = typeof made === 'string' ? Date.parse(made) : Number.NaN;
  const ageSeconds = (now.getTime() - madeMs) / 1000;
  return ageSeconds <= maxAgeSeconds + skewSeconds && ageSeconds >= -skewSeconds;
};
