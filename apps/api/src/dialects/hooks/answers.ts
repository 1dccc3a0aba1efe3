import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import type { ResendOutcome } from '../../resend.ts';
import { smsProblem } from '../../sms-problem.ts';

export interface RelayAnswer {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const taken: RelayAnswer = { status: 200, message: '' };

/** A relayed message belongs to no account of ours and no person asks for it: these cannot be met. */
const ours = (): RelayAnswer => ({ status: 500, message: 'The message could not be taken.' });

/** What a calling system is answered to every outcome. A forgotten one does not compile. */
const answers = {
  accepted: () => taken,
  replayed: () => taken,
  idempotency_key_reused: () => ({
    status: 422,
    message: 'The same call was made before with another content.',
  }),
  already_verified: ours,
  suspended: ours,
  captcha_required: ours,
  captcha_expired: ours,
  captcha_reused: ours,
  captcha_failed: ours,
  captcha_unavailable: ours,
  email_off: () => ({ status: 503, message: 'E-mail is switched off here.' }),
  sms_refused: ({ reason }) => {
    const { statusCode, message } = smsProblem(reason);
    return { status: statusCode, message };
  },
  limited: ({ by, limits }) => ({
    status: 429,
    message: `Too many messages to this address. Try again in ${by.retryAfterSeconds} seconds.`,
    headers: rateLimitHeaders(limits, by),
  }),
} satisfies {
  [K in ResendOutcome['kind']]: (outcome: Extract<ResendOutcome, { kind: K }>) => RelayAnswer;
};

export const answerRelay = (outcome: ResendOutcome): RelayAnswer =>
  (answers[outcome.kind] as (outcome: ResendOutcome) => RelayAnswer)(outcome);

/** A call of two messages has one answer: that of the one that went worse, so that the call is repeated. */
export const worst = (all: readonly RelayAnswer[]): RelayAnswer =>
  all.reduce((one, other) => (other.status > one.status ? other : one), taken);
