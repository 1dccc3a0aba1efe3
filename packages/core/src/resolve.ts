import type { Account } from './account.ts';
import type { ChangeSide } from './contact-change.ts';
import type { LiveTokens } from './live-tokens.ts';
import { type Ineligibility, orderedBy, type Purpose } from './purposes/purpose.ts';

/** Reasons not to send, each one a word that an operator reads in the timeline of a message. */
export const notSentReasons = {
  superseded: 'A newer request for the same address was accepted before this one was sent.',
  unknown_account: 'No account is registered with this address.',
  already_verified: 'The account has already proved its address.',
  suspended: 'The account is suspended.',
  suppressed:
    'Nothing is sent to this address for now: it refused an earlier message, or its owner complained.',
  email_off: 'E-mail is switched off (EMAIL_PROVIDER=none); the token was made but not sent.',
  sms_off: 'SMS is switched off (SMS_PROVIDER=none); the code was made but not sent.',
  sms_country_not_allowed: 'The country of the number is not in SMS_COUNTRIES.',
  sms_number_not_allowed:
    'The number is not one that an SMS may go to: not assigned, or not a mobile number.',
  sms_budget_prefix: 'Too many SMS went to this number block within an hour (SMS_BUDGET_PREFIX).',
  sms_budget_country: 'The money for SMS to this country is used up (SMS_BUDGET_COUNTRY).',
  sms_budget_organization: 'The money for SMS of this organization is used up (SMS_BUDGET_ORGANIZATION).',
  sms_budget_global: 'The money for all SMS is used up (SMS_BUDGET_GLOBAL).',
  sms_prefix_paused: 'SMS to this number block are paused: too few of its codes were used.',
  sms_country_paused: 'SMS to this country are paused: too few of its codes were used.',
  too_late: 'It could not be handed over while it was still of use.',
  no_such_channel: 'The account has no address for this kind of message.',
  change_over: 'The change of address was completed, cancelled or has lapsed before this was sent.',
  account_deleted: 'The account was deleted before this was sent.',
  revoked: 'The invitation was withdrawn before this was sent.',
  not_composed: 'The mail could not be composed; the log of the worker says why.',
  change_resent:
    'It asked by address for the mails of a change of address; messages of that change took its place.',
  no_pending_change: 'The account is not moving to another address, or has nothing left to confirm.',
  lost_too_often:
    'The worker died during each of several attempts; the message is set aside for an operator.',
} as const;

export type NotSentReason = keyof typeof notSentReasons;

/** Why an SMS was not worth its money, or not to be risked. */
export type SmsSkipReason = Extract<
  NotSentReason,
  `sms_budget_${string}` | `sms_${'prefix' | 'country'}_paused` | `sms_${'number' | 'country'}_not_allowed`
>;

/** Reasons why a worker puts a message off although it is due: an operator must act before it can go. */
export const putOffReasons = {
  unknown_purpose:
    'This worker does not know its purpose: a newer version accepted it. Deploy the worker too.',
  wrong_token_key:
    'TOKEN_KEYS lacks the key that its link was made with, or holds another one under that version. Put the key back.',
} as const;

export type PutOffReason = keyof typeof putOffReasons;

export const isPutOffReason = (reason: string): reason is PutOffReason =>
  Object.hasOwn(putOffReasons, reason);

/** Why something else was sent than what was asked for; the row is `sent` all the same. */
export const noticeReasons = {
  notice_already_verified:
    'The account had proved its address, so the person was told that, instead of getting a link.',
  notice_unknown_account:
    'No account is registered with this address, and its owner was told that somebody tried.',
} as const;

export type NoticeReason = keyof typeof noticeReasons;

/** Which notices are sent to people who asked for something that they cannot get. At most one a day each. */
export interface Notices {
  readonly alreadyVerified: boolean;
  readonly unknownAccount: boolean;
}

/** What becomes of a claimed message. `skip` is nobody's fault, `give_up` shows as FAILED. */
export type Resolution =
  | { readonly kind: 'send'; readonly account: Account; readonly to: string }
  | {
      readonly kind: 'make_token_only';
      readonly account: Account;
      readonly reason: 'email_off' | 'sms_off';
    }
  | { readonly kind: 'notify'; readonly account: Account | null; readonly reason: NoticeReason }
  /** What is sent, and to whom, is sealed in the row. */
  | { readonly kind: 'relay' }
  | {
      readonly kind: 'skip';
      readonly reason: Exclude<
        NotSentReason,
        | 'too_late'
        | 'lost_too_often'
        | 'account_deleted'
        | 'revoked'
        | 'not_composed'
        | 'change_resent'
        | 'no_pending_change'
      >;
    }
  /** It names a change by address only: the messages of the account's pending change take its place. */
  | { readonly kind: 'resend_change'; readonly account: Account }
  | { readonly kind: 'give_up'; readonly reason: 'too_late' | 'lost_too_often' };

export interface ChangeFacts {
  readonly side: ChangeSide;
  readonly newAddress: string;
  readonly oldAddress: string | null;
  readonly isOpen: boolean;
}

/** What is known of a message at the moment it is claimed. Ages are by the database's clock. */
export interface ClaimedFacts {
  /** Messages of the same subject that were accepted later; counting may stop at `liveTokensMax`. */
  readonly newerMessages: number;
  /** The change of an address that it belongs to; null for every other message. */
  readonly change: ChangeFacts | null;
  /** Whether the row holds an address to which a notice can go although there is no account. */
  readonly hasSealed: boolean;
  readonly noticedToday: boolean;
  /** Whether nothing may be sent to the address that it goes to. */
  readonly isSuppressed: boolean;
  readonly ageSeconds: number;
  /** How many earlier attempts ended without a word because their worker died. */
  readonly lostLeases: number;
}

/** A fifth death of the worker on the same message is no coincidence. */
export const lostLeasesMax = 5;

/**
 * Decides whether a claimed message is sent, and if not, why. The order matters to the operator who
 * reads it: what the person did last comes first, then who they are, then what went wrong on our side.
 */
export const resolve = (
  facts: ClaimedFacts,
  account: Account | null,
  purpose: Purpose,
  policy: ResolvePolicy,
): Resolution => {
  if (facts.newerMessages >= policy.liveTokens.newest) return { kind: 'skip', reason: 'superseded' };
  if (purpose.credential === 'none')
    return policy.channelOff
      ? { kind: 'skip', reason: offReasonOf(purpose) }
      : (unsendable(facts, policy) ?? { kind: 'relay' });
  const refusal = refusalOf(account, purpose);
  if (refusal !== null || account === null) {
    const reason = refusal ?? 'unknown_account';
    const notice = policy.channelOff ? null : noticeFor(reason, facts, purpose, policy.notices);
    if (notice === null) return { kind: 'skip', reason };
    return unsendable(facts, policy) ?? { kind: 'notify', account, reason: notice };
  }
  if (facts.change === null && purpose.askedBy === 'account') return { kind: 'resend_change', account };
  const to = recipientOf(purpose, account, facts.change);
  if (typeof to !== 'string') return { kind: 'skip', ...to };
  if (policy.channelOff) return { kind: 'make_token_only', account, reason: offReasonOf(purpose) };
  return unsendable(facts, policy) ?? { kind: 'send', account, to };
};

export interface ResolvePolicy {
  readonly channelOff: boolean;
  readonly liveTokens: LiveTokens;
  /** From acceptance; later the message is of no use. */
  readonly sendWithinSeconds: number;
  readonly notices: Notices;
}

const offReasonOf = ({ channel }: Purpose): 'email_off' | 'sms_off' =>
  channel === 'sms' ? 'sms_off' : 'email_off';

const refusalOf = (account: Account | null, purpose: Purpose): Ineligibility | 'unknown_account' | null =>
  account === null ? 'unknown_account' : purpose.ineligible(account.status);

/**
 * A suspended account is told nothing: its owner knows, and whoever else asks should not. Nobody is told by
 * SMS: strangers could have us pay for messages to anybody.
 */
const noticeFor = (
  reason: Ineligibility | 'unknown_account',
  { noticedToday, hasSealed, change }: ClaimedFacts,
  { channel }: Purpose,
  notices: Notices,
): NoticeReason | null => {
  if (noticedToday || change !== null || channel === 'sms') return null;
  if (reason === 'already_verified') return notices.alreadyVerified ? 'notice_already_verified' : null;
  return reason === 'unknown_account' && notices.unknownAccount && hasSealed
    ? 'notice_unknown_account'
    : null;
};

/** What keeps a message that would go from being sent: its address, then our own side. */
const unsendable = (facts: ClaimedFacts, policy: ResolvePolicy): Resolution | null =>
  facts.isSuppressed ? { kind: 'skip', reason: 'suppressed' } : hopeless(facts, policy);

/** What went wrong on our side so badly that it is not tried (again). */
const hopeless = (facts: ClaimedFacts, { sendWithinSeconds }: ResolvePolicy): Resolution | null => {
  if (facts.lostLeases >= lostLeasesMax) return { kind: 'give_up', reason: 'lost_too_often' };
  return facts.ageSeconds > sendWithinSeconds ? { kind: 'give_up', reason: 'too_late' } : null;
};

interface NoRecipient {
  readonly reason: 'no_such_channel' | 'change_over';
}

/** Where a message goes: never to what a request typed, always to what the account or its change holds. */
const recipientOf = (
  purpose: Purpose,
  account: Account,
  change: ChangeFacts | null,
): string | NoRecipient => {
  const none: NoRecipient = { reason: 'no_such_channel' };
  const own = (purpose.channel === 'sms' ? account.phone : account.email) ?? none;
  if (change === null) return orderedBy(purpose) === 'address' ? own : { reason: 'change_over' };
  // The notice that a change has happened goes to the address that the account had before.
  if (purpose.askedBy === 'service') return change.oldAddress ?? none;
  if (!change.isOpen) return { reason: 'change_over' };
  return change.side === 'new' ? change.newAddress : own;
};
