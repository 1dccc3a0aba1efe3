import { type LimitDecision, tightestState } from '@reconfirm/core/limits';
import { uuidV7 } from '@reconfirm/core/message-id';
import type { PasswordProblem } from '@reconfirm/core/password';
import type { Destination } from '@reconfirm/core/destination';
import type { ConfirmOutcome } from '../../confirm.ts';
import type { InviteOutcome } from '../../invite.ts';
import type { OneTimeCodeOutcome } from '../../one-time-code.ts';
import { drawRandom } from '@reconfirm/process/random-pool';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import type { RefreshOutcome } from '../../sessions/sessions.ts';
import type { SignInOutcome } from '../../sign-in.ts';
import { smsProblem } from '../../sms-problem.ts';
import type { UpdateProfileOutcome } from '../../update-profile.ts';
import { emailOff, phoneOff } from './read-request.ts';
import { GotrueError } from './errors.ts';

type Headers = Readonly<Record<string, string>>;
type Limited = { readonly by: LimitDecision; readonly limits: readonly LimitDecision[] };

/** GoTrue's own headers speak of the tightest limit; the standard ones of all. */
const limitHeaders = (limits: readonly LimitDecision[], by?: LimitDecision): Headers => {
  const tightest = tightestState((by === undefined ? limits : [by]).flatMap(({ states }) => states));
  return {
    ...rateLimitHeaders(limits, by),
    ...(tightest === undefined
      ? {}
      : {
          'x-ratelimit-limit': String(tightest.limit.max),
          'x-ratelimit-remaining': String(tightest.remaining),
          'x-ratelimit-reset': String(by?.retryAfterSeconds ?? tightest.resetSeconds),
        }),
  };
};

const waitSentence = (seconds: number): string =>
  `For security purposes, you can only request this after ${seconds} seconds.`;

export const limitError = (
  { by, limits }: Limited,
  channel: Destination['channel'] | 'none' = 'none',
): GotrueError => {
  const ofAddress = channel === 'sms' ? 'over_sms_send_rate_limit' : 'over_email_send_rate_limit';
  const code = by.kind === 'ip' || channel === 'none' ? 'over_request_rate_limit' : ofAddress;
  return new GotrueError(429, code, waitSentence(by.retryAfterSeconds), {
    headers: limitHeaders(limits, by),
  });
};

/** What a request for a message is answered: the same for everybody. */
export interface Accepted {
  readonly messageId: string;
  readonly headers: Headers;
}

type OutcomeOf<K extends OneTimeCodeOutcome['kind']> = Extract<OneTimeCodeOutcome, { kind: K }>;

/** Answers as if accepted: what a contract that tells nothing says of an account that gets no message. */
const silent = (): Accepted => ({ messageId: uuidV7(Date.now(), drawRandom(10)), headers: {} });

/** One code for whatever is wrong with it, as that API has it. */
const captchaFailed = (what: string): GotrueError =>
  new GotrueError(400, 'captcha_failed', `captcha protection: request disallowed (${what})`);

/** What GoTrue says when its SMS provider will not take a number. */
export const smsRefused = (reason: OutcomeOf<'sms_refused'>['reason']): GotrueError =>
  reason === 'sms_off' ? phoneOff() : new GotrueError(422, 'sms_send_failed', smsProblem(reason).message);

/** A forgotten outcome does not compile. */
const messageAnswers = {
  accepted: ({ messageId, limits }) => ({ messageId, headers: limitHeaders(limits) }),
  replayed: ({ messageId }) => ({ messageId, headers: {} }),
  idempotency_key_reused: silent,
  already_verified: silent,
  suspended: silent,
  email_off: emailOff,
  disposable_address: () =>
    new GotrueError(400, 'email_address_disposable', 'Disposable email addresses are not accepted'),
  sms_refused: ({ reason }) => smsRefused(reason),
  limited: (outcome, { channel }) => limitError(outcome, channel),
  captcha_required: () => captchaFailed('captcha_token is required'),
  captcha_expired: () => captchaFailed('the captcha has expired'),
  captcha_reused: () => captchaFailed('the captcha was used before'),
  captcha_failed: () => captchaFailed('the captcha was not solved'),
  captcha_unavailable: () => captchaFailed('the captcha could not be checked; try again'),
  weak: ({ problems }, { passwordSizeMin }) => weakPassword(problems, passwordSizeMin),
  unknown_account: () => new GotrueError(422, 'otp_disabled', 'Signups not allowed for otp'),
} satisfies {
  [K in OneTimeCodeOutcome['kind']]: (outcome: OutcomeOf<K>, asked: Asked) => Accepted | GotrueError;
};

interface Asked {
  readonly channel: Destination['channel'];
  readonly passwordSizeMin: number;
}

/** Returns what the 200 is made of, or throws the refusal. */
export const answerMessage = (outcome: OneTimeCodeOutcome, asked: Asked): Accepted => {
  const answer = messageAnswers[outcome.kind] as (
    outcome: OneTimeCodeOutcome,
    asked: Asked,
  ) => Accepted | GotrueError;
  const result = answer(outcome, asked);
  if (result instanceof GotrueError) throw result;
  return result;
};

const isLength = (problem: PasswordProblem): boolean => problem === 'too_short' || problem === 'too_long';

const reasonOf = (problem: PasswordProblem): string => (isLength(problem) ? 'length' : 'characters');

export const weakPassword = (problems: readonly PasswordProblem[], sizeMin: number): GotrueError => {
  const sentences = {
    too_short: `Password should be at least ${sizeMin} characters.`,
    too_long: 'Password is too long.',
    lacks_upper: 'Password should contain an upper-case letter.',
    lacks_lower: 'Password should contain a lower-case letter.',
    lacks_digit: 'Password should contain a digit.',
    lacks_special: 'Password should contain a special character.',
    not_text: 'Password is not a valid text.',
  } as const satisfies Record<PasswordProblem, string>;
  return new GotrueError(422, 'weak_password', problems.map((problem) => sentences[problem]).join(' '), {
    more: { weak_password: { reasons: [...new Set(problems.map(reasonOf))] } },
  });
};

export const userNotFound = (): GotrueError => new GotrueError(404, 'user_not_found', 'User not found');

/** Whose user was changed, or the refusal. A forgotten outcome does not compile. */
export const updatedOf = (
  outcome: UpdateProfileOutcome,
  { channel, passwordSizeMin }: Asked,
): Extract<UpdateProfileOutcome, { kind: 'updated' }> => {
  switch (outcome.kind) {
    case 'updated':
      return outcome;
    case 'weak':
      throw weakPassword(outcome.problems, passwordSizeMin);
    case 'same_password':
      throw new GotrueError(422, 'same_password', 'New password should be different from the old password.');
    case 'unknown_account':
      throw userNotFound();
    case 'sms_refused':
      throw smsRefused(outcome.reason);
    case 'limited':
      throw limitError(outcome, channel);
  }
};

/** Who was invited, or the refusal. A forgotten outcome does not compile. */
export const invitedOf = (outcome: InviteOutcome): Extract<InviteOutcome, { kind: 'invited' }> => {
  switch (outcome.kind) {
    case 'invited':
      return outcome;
    case 'email_off':
      throw emailOff();
    case 'already_verified':
      throw emailExists();
  }
};

export const otpExpired = (): GotrueError =>
  new GotrueError(403, 'otp_expired', 'Token has expired or is invalid');

const banned = (status: number): GotrueError => new GotrueError(status, 'user_banned', 'User is banned');

/** The refusal that each way of not confirming is. What is dead and what never lived are the same. */
const confirmErrors = {
  unknown: otpExpired,
  expired: otpExpired,
  superseded: otpExpired,
  suspended: () => banned(403),
  address_taken: () => emailExists(),
  locked: (outcome) =>
    new GotrueError(429, 'over_request_rate_limit', waitSentence(outcome.retryAfterSeconds), {
      headers: { 'retry-after': String(outcome.retryAfterSeconds) },
    }),
} satisfies {
  [K in Exclude<ConfirmOutcome['kind'], 'confirmed'>]: (
    outcome: Extract<ConfirmOutcome, { kind: K }>,
  ) => GotrueError;
};

export const confirmError = (outcome: Exclude<ConfirmOutcome, { kind: 'confirmed' }>): GotrueError =>
  (confirmErrors[outcome.kind] as (given: typeof outcome) => GotrueError)(outcome);

export const emailExists = (): GotrueError =>
  new GotrueError(422, 'email_exists', 'A user with this email address has already been registered');

const refusedSignIn = (): GotrueError =>
  new GotrueError(400, 'invalid_credentials', 'Invalid login credentials');

/** The refusal that each way of not signing in is. */
const signInErrors = {
  refused: refusedSignIn,
  unverified: (_, channel) =>
    channel === 'sms'
      ? new GotrueError(400, 'phone_not_confirmed', 'Phone not confirmed')
      : new GotrueError(400, 'email_not_confirmed', 'Email not confirmed'),
  suspended: () => banned(400),
  limited: (outcome) => limitError(outcome),
} satisfies {
  [K in Exclude<SignInOutcome['kind'], 'signed_in'>]: (
    outcome: Extract<SignInOutcome, { kind: K }>,
    channel: Destination['channel'],
  ) => GotrueError;
};

export const signInError = (
  outcome: Exclude<SignInOutcome, { kind: 'signed_in' }>,
  channel: Destination['channel'],
): GotrueError =>
  (signInErrors[outcome.kind] as (given: typeof outcome, channel: Destination['channel']) => GotrueError)(
    outcome,
    channel,
  );

/** The refusal that each way of not refreshing is. */
const refreshErrors = {
  unknown: () =>
    new GotrueError(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found'),
  reused: () => new GotrueError(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used'),
  expired: () => new GotrueError(400, 'session_expired', 'Invalid Refresh Token: Session Expired'),
  ended: () => new GotrueError(400, 'session_not_found', 'Invalid Refresh Token: Session Not Found'),
  suspended: () => banned(400),
} satisfies Record<Exclude<RefreshOutcome['kind'], 'refreshed'>, () => GotrueError>;

export const refreshError = (kind: keyof typeof refreshErrors): GotrueError => refreshErrors[kind]();
