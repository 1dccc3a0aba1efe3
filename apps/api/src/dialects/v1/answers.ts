import type { AccountStatus } from '@reconfirm/core/account';
import { deliveryStateOf } from '@reconfirm/core/delivery-state';
import type { ErrorReason } from '@reconfirm/core/error-codes';
import type { PurposeLimit } from '@reconfirm/core/limit-words';
import { publicStatus } from '@reconfirm/core/message';
import type { AccountDetails, AccountEvent } from '@reconfirm/db/accounts';
import type { OrganizationKey } from '@reconfirm/db/api-keys';
import type { MessageSummary } from '@reconfirm/db/message-history';
import type { Confirmation } from '@reconfirm/db/verifications';
import type { ChangeContactOutcome } from '../../change-contact.ts';
import type { ConfirmOutcome } from '../../confirm.ts';
import { ProblemError } from '../../problem.ts';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import type { RegisterOutcome } from '../../register.ts';
import type { ResendOutcome } from '../../resend.ts';
import { smsProblem } from '../../sms-problem.ts';
import type { CaptchaRefusal } from '../../captcha/gate.ts';
import type { IssuedSession } from '../../sessions/sessions.ts';
import type { SessionAnswer } from './schemas-message.ts';

/** What the v1 contract says after a resend, whoever asked for whatever address. */
export const resendMessage =
  'If that email is registered and unverified, a new verification email has been sent.';
export const verifiedMessage = 'Email verified. You can now promote your account to production.';

type Status = 'PENDING_VERIFICATION' | 'ACTIVE' | 'SUSPENDED' | 'PAST_DUE';

const tenantStatuses = {
  pending: 'PENDING_VERIFICATION',
  active: 'ACTIVE',
  suspended: 'SUSPENDED',
  past_due: 'PAST_DUE',
} as const satisfies Record<AccountStatus, Status>;

export const accountStatusOf = (status: Status): AccountStatus => {
  switch (status) {
    case 'PENDING_VERIFICATION':
      return 'pending';
    case 'ACTIVE':
      return 'active';
    case 'SUSPENDED':
      return 'suspended';
    case 'PAST_DUE':
      return 'past_due';
  }
};

export const tenantOf = (account: AccountDetails) => ({
  id: account.id,
  email: account.email,
  phone: account.phone,
  name: account.name,
  status: tenantStatuses[account.status],
  locale: account.locale,
  verificationEmailStatus: account.verificationEmailStatus,
  verifiedAt: account.verifiedAt?.toISOString() ?? null,
  createdAt: account.createdAt.toISOString(),
});

export const eventOf = (event: AccountEvent) => ({
  id: event.id,
  eventType: event.type,
  detail: event.detail,
  createdAt: event.createdAt.toISOString(),
});

export const messageOf = (message: MessageSummary, now: Date) => ({
  id: message.id,
  organizationId: message.organizationId,
  tenantId: message.accountId,
  email: message.email,
  channel: message.channel,
  purpose: message.purpose,
  contract: message.contract,
  status: message.status,
  publicStatus: publicStatus(message.status),
  state: deliveryStateOf(message, now),
  reason: message.reason,
  provider: message.provider,
  attempts: message.attempt,
  acceptedAt: message.acceptedAt.toISOString(),
  sentAt: message.sentAt?.toISOString() ?? null,
  settledAt: message.settledAt?.toISOString() ?? null,
  nextAt: message.settledAt === null ? message.nextAt.toISOString() : null,
});

export const limitOf = ({ purpose, contracts, decision }: PurposeLimit) => ({
  purpose,
  contracts: [...contracts],
  allowed: decision.allowed,
  retryAfterSeconds: decision.retryAfterSeconds,
  windows: decision.states.map(({ limit, remaining, resetSeconds }) => ({
    max: limit.max,
    windowSeconds: limit.windowSeconds,
    remaining,
    resetSeconds,
  })),
});

export const apiKeyOf = (key: OrganizationKey) => ({
  id: key.id,
  organizationId: key.organizationId,
  name: key.name,
  scopes: [...key.scopes],
  lastFour: key.lastFour,
  createdAt: key.createdAt.toISOString(),
  revokedAt: key.revokedAt?.toISOString() ?? null,
});

interface Answer {
  readonly headers: Readonly<Record<string, string>>;
}

type OutcomeOf<K extends ResendOutcome['kind']> = Extract<ResendOutcome, { kind: K }>;

const captchaReasons = {
  captcha_required: 'CAPTCHA_REQUIRED',
  captcha_expired: 'CAPTCHA_EXPIRED',
  captcha_reused: 'CAPTCHA_REUSED',
  captcha_failed: 'CAPTCHA_FAILED',
  captcha_unavailable: 'CAPTCHA_UNAVAILABLE',
} as const satisfies Record<CaptchaRefusal['kind'], ErrorReason>;

export const captchaProblem = ({ kind }: CaptchaRefusal): ProblemError =>
  new ProblemError(
    captchaReasons[kind],
    kind === 'captcha_unavailable' ? { headers: { 'retry-after': '5' } } : {},
  );

/** The v1 contract’s answer to every outcome: headers of its 200, or the problem. A forgotten outcome does not compile. */
const resendAnswers = {
  accepted: (outcome) => ({ headers: rateLimitHeaders(outcome.limits, undefined) }),
  replayed: () => ({ headers: { 'idempotency-replayed': 'true' } }),
  idempotency_key_reused: () => new ProblemError('IDEMPOTENCY_KEY_REUSED'),
  already_verified: () => new ProblemError('ALREADY_VERIFIED'),
  suspended: () => new ProblemError('ACCOUNT_SUSPENDED'),
  limited: (outcome) => limitProblem(outcome),
  captcha_required: captchaProblem,
  captcha_expired: captchaProblem,
  captcha_reused: captchaProblem,
  captcha_failed: captchaProblem,
  captcha_unavailable: captchaProblem,
  email_off: (_, emailOff) =>
    new ProblemError(emailOff === '400' ? 'EMAIL_PROVIDER_DISABLED' : 'EMAIL_DISABLED'),
  sms_refused: ({ reason }) => smsProblem(reason),
} satisfies {
  [K in ResendOutcome['kind']]: (outcome: OutcomeOf<K>, emailOff: string) => Answer | ProblemError;
};

/** Returns the headers of the 200, or throws the problem that the contract answers. */
export const answerResend = (outcome: ResendOutcome, emailOff: string): Answer => {
  const answer = resendAnswers[outcome.kind] as (
    outcome: ResendOutcome,
    emailOff: string,
  ) => Answer | ProblemError;
  const result = answer(outcome, emailOff);
  if (result instanceof ProblemError) throw result;
  return result;
};

/** Who was registered, or throws the problem that the contract answers. A forgotten outcome does not compile. */
export const registeredOf = (outcome: RegisterOutcome): Extract<RegisterOutcome, { kind: 'registered' }> => {
  switch (outcome.kind) {
    case 'registered':
      return outcome;
    case 'already_registered':
      throw new ProblemError('EMAIL_ALREADY_REGISTERED');
    case 'disposable_address':
      throw new ProblemError('DISPOSABLE_ADDRESS');
    case 'limited':
      throw limitProblem(outcome);
    case 'captcha_required':
    case 'captcha_expired':
    case 'captcha_reused':
    case 'captcha_failed':
    case 'captcha_unavailable':
      throw captchaProblem(outcome);
  }
};

type ChangeRefusal = Exclude<ChangeContactOutcome, { kind: 'asked' }>;

/** The problem that each way of not asking for a change is. A forgotten one does not compile. */
const changeProblems = {
  same_address: () =>
    new ProblemError('ALREADY_VERIFIED', { detail: 'This is the address that the account has.' }),
  unknown_account: () => new ProblemError('UNAUTHORIZED'),
  sms_refused: ({ reason }) => smsProblem(reason),
  limited: (outcome) => limitProblem(outcome),
} satisfies {
  [K in ChangeRefusal['kind']]: (outcome: Extract<ChangeRefusal, { kind: K }>) => ProblemError;
};

export const changeProblem = (outcome: ChangeRefusal): ProblemError =>
  (changeProblems[outcome.kind] as (outcome: ChangeRefusal) => ProblemError)(outcome);

export const limitProblem = (outcome: Pick<OutcomeOf<'limited'>, 'by' | 'limits'>): ProblemError => {
  const reason = outcome.by.kind === 'ip' ? 'IP_RATE_LIMIT' : 'RESEND_COOLDOWN';
  const seconds = outcome.by.retryAfterSeconds;
  return new ProblemError(reason, {
    detail:
      reason === 'RESEND_COOLDOWN'
        ? `A message to this address was asked for a moment ago. Try again in ${seconds} seconds.`
        : `Too many requests from this client. Try again in ${seconds} seconds.`,
    headers: rateLimitHeaders(outcome.limits, outcome.by),
  });
};

/** The problem that each way of not confirming is. A forgotten one does not compile. */
export const confirmProblem = (outcome: Exclude<ConfirmOutcome, { kind: 'confirmed' }>): ProblemError => {
  if (outcome.kind === 'address_taken' && outcome.token.purpose === 'phone_change')
    return new ProblemError('PHONE_ALREADY_REGISTERED');
  if (outcome.kind !== 'locked') return new ProblemError(tokenProblem(outcome.kind) ?? 'TOKEN_UNKNOWN');
  const seconds = outcome.retryAfterSeconds;
  return new ProblemError('CODE_LOCKED', {
    detail: `Too many codes were tried for this address. A link still works; a code is taken again in ${seconds} seconds.`,
    headers: { 'retry-after': String(seconds) },
  });
};

/** Why a token does not confirm anything; null where it does. */
export const tokenProblem = (state: Confirmation['state']): ErrorReason | null => {
  switch (state) {
    case 'live':
    case 'consumed':
      return null;
    case 'expired':
      return 'TOKEN_EXPIRED';
    case 'superseded':
      return 'TOKEN_SUPERSEDED';
    case 'suspended':
      return 'ACCOUNT_SUSPENDED';
    case 'address_taken':
      return 'EMAIL_ALREADY_REGISTERED';
    case 'unknown':
    case 'other_purpose':
      return 'TOKEN_UNKNOWN';
  }
};

/** The tokens of a session, shown once. */
export const sessionOf = (session: IssuedSession): SessionAnswer => ({
  accessToken: session.accessToken.reveal(),
  expiresAt: session.expiresAt.toISOString(),
  refreshToken: session.refreshToken.reveal(),
});
