import { emailFailureOf } from '@reconfirm/core/email-failure';
import { publicStatus } from '@reconfirm/core/message';
import type { PasswordProblem } from '@reconfirm/core/password';
import type { NewestMessage } from '@reconfirm/db/newest-message';
import type { UserDetails } from '@reconfirm/db/users';
import type { ConfirmOutcome } from '../../confirm.ts';
import { nextWaitSeconds, rateLimitHeaders } from '../../rate-limit-headers.ts';
import type { ResendOutcome } from '../../resend.ts';
import type { Authentication } from '../../sessions/sessions.ts';
import type { SetPasswordByTokenOutcome } from '../../set-password-by-token.ts';
import type { SignUpOutcome } from '../../sign-up.ts';
import { type SingularityCode, SingularityError } from './errors.ts';

/** PrincipalResponse of Singularity’s contract; what we keep nothing of is empty. */
export const principalOf = (user: UserDetails) => ({
  id: user.id,
  name: user.name ?? '',
  email: user.email,
  identityProviders: user.hasPassword ? ['PASSWORD'] : [],
  roles: ['USER' as const, ...(user.isAdmin ? ['ADMIN' as const] : [])],
  emailVerified: user.verifiedAt !== null,
  lastActive: (user.lastSignedInAt ?? user.createdAt).toISOString(),
  twoFactorAuthEnabled: false,
  preferredTwoFactorMethod: null,
  twoFactorMethods: [],
  avatar: null,
  createdAt: user.createdAt.toISOString(),
  groups: [],
});

export const statusOf = (user: UserDetails, message: NewestMessage | undefined) => ({
  emailVerified: user.verifiedAt !== null,
  lastEmail:
    message === undefined
      ? null
      : {
          requestedAt: message.acceptedAt.toISOString(),
          status: publicStatus(message.status),
          failure: emailFailureOf(message),
        },
});

/** What each way of not being authenticated is here. A session that ended is no longer on the list of valid tokens. */
const unauthenticated = {
  missing: 'AUTHENTICATION_REQUIRED',
  malformed: 'ACCESS_TOKEN_INVALID',
  expired: 'ACCESS_TOKEN_EXPIRED',
  ended: 'ACCESS_TOKEN_INVALID',
  suspended: 'ACCESS_TOKEN_INVALID',
  unknown_account: 'USER_NOT_FOUND',
} as const satisfies Record<Exclude<Authentication['kind'], 'authenticated'>, SingularityCode>;

export const identityOf = (authentication: Authentication) => {
  if (authentication.kind === 'authenticated') return authentication.identity;
  throw new SingularityError(unauthenticated[authentication.kind], {
    headers: { 'www-authenticate': 'Bearer' },
  });
};

/** 304 without a body, or 409, by SINGULARITY_ALREADY_VERIFIED. */
export const alreadyVerified = (status: 304 | 409): SingularityError =>
  new SingularityError('EMAIL_ALREADY_VERIFIED', { status });

interface Sent {
  readonly cooldown: number;
  readonly headers: Readonly<Record<string, string>>;
}

type OutcomeOf<K extends ResendOutcome['kind']> = Extract<ResendOutcome, { kind: K }>;

/** This contract has no field for the answer, so none is asked for (`asksCaptcha`). */
const unasked = (): SingularityError => new SingularityError('INVALID_REQUEST');

/** The Singularity contract’s answer to every outcome: the cooldown, or the refusal. A forgotten outcome does not compile. */
const resendAnswers = {
  accepted: ({ limits }) => ({
    cooldown: nextWaitSeconds(limits),
    headers: rateLimitHeaders(limits, undefined),
  }),
  replayed: () => ({ cooldown: 0, headers: {} }),
  idempotency_key_reused: () => new SingularityError('INVALID_REQUEST'),
  email_off: () => new SingularityError('EMAIL_DISABLED'),
  // This contract asks for mails only, so it cannot be met.
  sms_refused: () => new SingularityError('INVALID_REQUEST'),
  already_verified: (_, status) => alreadyVerified(status),
  suspended: () => new SingularityError('ACCESS_TOKEN_INVALID'),
  captcha_required: unasked,
  captcha_expired: unasked,
  captcha_reused: unasked,
  captcha_failed: unasked,
  captcha_unavailable: unasked,
  limited: ({ by, limits }) =>
    by.kind === 'address'
      ? new SingularityError('EMAIL_COOLDOWN_ACTIVE', {
          message: `Failed to send the email because the cooldown is active; wait ${by.retryAfterSeconds} seconds.`,
          headers: rateLimitHeaders(limits, by),
        })
      : new SingularityError('RATE_LIMIT_EXCEEDED', { headers: rateLimitHeaders(limits, by) }),
} satisfies {
  [K in ResendOutcome['kind']]: (outcome: OutcomeOf<K>, status: 304 | 409) => Sent | SingularityError;
};

export const sentOf = (outcome: ResendOutcome, alreadyVerifiedStatus: 304 | 409): Sent => {
  const answer = resendAnswers[outcome.kind] as (
    outcome: ResendOutcome,
    status: 304 | 409,
  ) => Sent | SingularityError;
  const result = answer(outcome, alreadyVerifiedStatus);
  if (result instanceof SingularityError) throw result;
  return result;
};

const unconfirmed = {
  unknown: 'EMAIL_VERIFICATION_TOKEN_INVALID',
  expired: 'EMAIL_VERIFICATION_TOKEN_EXPIRED',
  superseded: 'EMAIL_VERIFICATION_TOKEN_INVALID',
  suspended: 'EMAIL_VERIFICATION_TOKEN_INVALID',
  address_taken: 'EMAIL_ALREADY_TAKEN',
  locked: 'RATE_LIMIT_EXCEEDED',
} as const satisfies Record<Exclude<ConfirmOutcome['kind'], 'confirmed'>, SingularityCode>;

/** Whose address was confirmed, now or before, or the refusal. */
export const confirmedOf = (outcome: ConfirmOutcome): Extract<ConfirmOutcome, { kind: 'confirmed' }> => {
  if (outcome.kind === 'confirmed') return outcome;
  throw new SingularityError(
    unconfirmed[outcome.kind],
    outcome.kind === 'superseded'
      ? { message: 'A newer verification email was sent; only its link works.' }
      : {},
  );
};

const weakPassword = {
  too_short: 'at least 8 characters',
  too_long: 'at most 128 characters',
  lacks_upper: 'an upper-case letter',
  lacks_lower: 'a lower-case letter',
  lacks_digit: 'a digit',
  lacks_special: 'a special character',
  not_text: 'characters only',
} as const satisfies Record<PasswordProblem, string>;

const weak = (problems: readonly PasswordProblem[]): SingularityError =>
  new SingularityError('PASSWORD_TOO_WEAK', {
    message: `The password needs ${problems.map((problem) => weakPassword[problem]).join(', ')}.`,
  });

type Registered = Extract<SignUpOutcome, { kind: 'accepted' }>;

/** What registering came to, or the refusal; alike for a free address and one that has an account. */
export const registeredOf = (outcome: SignUpOutcome): Registered => {
  switch (outcome.kind) {
    case 'accepted':
      return outcome;
    case 'weak':
      throw weak(outcome.problems);
    case 'disposable_address':
      throw new SingularityError('EMAIL_DISPOSABLE');
    case 'email_off':
      throw resendAnswers.email_off();
    case 'limited':
      throw resendAnswers.limited(outcome);
    // Nobody registers with a number here.
    case 'sms_refused':
      throw resendAnswers.sms_refused();
    case 'captcha_required':
    case 'captcha_expired':
    case 'captcha_reused':
    case 'captcha_failed':
    case 'captcha_unavailable':
      throw unasked();
  }
};

const deadResets = {
  unknown: 'PASSWORD_RESET_TOKEN_INVALID',
  expired: 'PASSWORD_RESET_TOKEN_EXPIRED',
  used: 'PASSWORD_RESET_TOKEN_INVALID',
  superseded: 'PASSWORD_RESET_TOKEN_INVALID',
  revoked: 'PASSWORD_RESET_TOKEN_INVALID',
  suspended: 'PASSWORD_RESET_TOKEN_INVALID',
} as const satisfies Record<Exclude<SetPasswordByTokenOutcome['kind'], 'set' | 'weak'>, SingularityCode>;

/** Throws unless the password was set. */
export const expectPasswordSet = (outcome: SetPasswordByTokenOutcome): void => {
  if (outcome.kind === 'set') return;
  if (outcome.kind !== 'weak') throw new SingularityError(deadResets[outcome.kind]);
  throw weak(outcome.problems);
};
