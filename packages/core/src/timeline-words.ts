import type { DeliveryEventType } from './delivery-event.ts';
import type { Channel } from './destination.ts';
import type { NotSentReason } from './resolve.ts';
import { smsFailureClauses } from './sms-failure.ts';
import type { SmtpFailureCode } from './smtp-reply.ts';
import type { AttemptFactsResult } from './timeline.ts';

/** What to do about a message that was not sent. */
export const nextStepsNotSent = {
  superseded: 'Look at the newer message instead.',
  unknown_account: 'The person has to register first, or used another address.',
  already_verified: 'Nothing to do: the person can sign in.',
  suspended: 'Lift the suspension if it is a mistake, then let the person ask again.',
  suppressed:
    'Look it up at GET /v1/admin/suppressions?address=… and lift it there once the mailbox works or its owner agrees, then let the person ask again.',
  email_off: 'Verify the account by hand, or set EMAIL_PROVIDER and let the person ask again.',
  no_such_channel: 'The account has only a phone number, or only an e-mail address; use that one.',
  change_over: 'Look at the change of address of the account; a newer one may be under way.',
  account_deleted: 'Nothing to do; a new account of this address gets messages of its own.',
  revoked: 'Send the invitation again if it was withdrawn by mistake.',
  not_composed: 'Mend what the log names, then let the person ask again.',
  change_resent: 'Look at the messages of the account that were accepted right after this one.',
  no_pending_change: 'Let the person ask for the change of address again.',
  sms_off: 'Set SMS_PROVIDER and let the person ask again, or verify the account by hand.',
  sms_country_not_allowed: 'Add the country to SMS_COUNTRIES if people there are wanted.',
  sms_number_not_allowed: 'Ask the person for a mobile number; a new block goes into SMS_ALLOW_PREFIXES.',
  sms_budget_prefix:
    'Look at who asks for numbers of this block; a real crowd needs a higher SMS_BUDGET_PREFIX.',
  sms_budget_country:
    'See whether the requests are real before the budget is raised; it fills again by the hour.',
  sms_budget_organization:
    'See whether the requests are real before the budget is raised; it fills again by the hour.',
  sms_budget_global:
    'See whether the requests are real before the budget is raised; it fills again by the hour.',
  sms_prefix_paused: 'See whether its people are real, then release it at POST /v1/admin/sms/release.',
  sms_country_paused: 'See whether its people are real, then release it at POST /v1/admin/sms/release.',
  too_late:
    'Mend what the failed attempts below name, or where there are none see why no worker came to it in time (PURPOSE_SEND_WITHIN says how long it had), then let the person ask again.',
  lost_too_often: 'Read the logs of the worker at the times of the attempts below before asking again.',
} as const satisfies Record<NotSentReason, string>;

/** What an SMTP failure means, as a clause. */
const smtpFailureClauses = {
  dns: 'the name of the mail server could not be found',
  connect: 'the mail server could not be reached',
  tls: 'no encrypted connection could be made',
  auth: 'the mail server refused our user name or password',
  greeting: 'the mail server would not start a session',
  relay_refused: 'the mail server does not carry mail for us',
  sender_refused: 'the mail server refused our sender address',
  recipient_refused: 'the mail server refused the recipient',
  recipient_invalid: 'the address cannot be mailed',
  message_refused: 'the mail server refused the message',
  greylisted: 'the mail server asked us to come back later',
  throttled: 'the mail server found us too fast',
  quota: 'our allowance at the provider is used up',
  timeout: 'the mail server did not answer in time',
  connection_lost: 'the connection broke',
  protocol: 'the mail server answered out of turn',
  aborted: 'the hand-over took too long and was ended',
  settings: 'our own settings do not allow it',
  unknown: 'it failed in a way we have no word for',
} as const satisfies Record<SmtpFailureCode, string>;

export const attemptSentences = {
  accepted: 'The provider took it.',
  permanent: 'It was refused for good.',
  transient: 'It failed for now and will be tried again.',
  ambiguous: 'It left us, but no answer came: it may have been taken.',
  misconfigured: 'It failed because of our own set-up; the recipient is not at fault.',
  given_back: 'The worker stopped before handing it over.',
} as const satisfies Record<AttemptFactsResult, string>;

/** The words in which the two channels differ. */
export interface ChannelWords {
  readonly failures: Readonly<Record<string, string>>;
  readonly refusedByDefault: string;
  readonly reports: Readonly<Record<DeliveryEventType, string>>;
  readonly hard: string;
  readonly refusedForGood: string;
  readonly refusedForNow: string;
  readonly notReported: string;
  /** Of a provider that reports no deliveries. */
  readonly neverReported: string;
  /** The last report was that it is tried again. */
  readonly putOffSoFar: string;
  readonly lookMeanwhile: string;
  readonly delivered: string;
  readonly deliveredUnseen: string;
  readonly complained: string;
  /** What proves the address: "the link", "the code". */
  readonly credential: string;
}

const mail: ChannelWords = {
  failures: smtpFailureClauses,
  refusedByDefault: 'the mail server refused it',
  reports: {
    accepted: 'The provider confirmed that it took the message.',
    deferred: 'The receiving server put it off; the provider tries again.',
    delivered: 'The receiving server took it.',
    bounced: 'The receiving server refused it.',
    rejected: 'The provider would not carry it.',
    complained: 'The recipient reported it as spam.',
    failed: 'The provider gave up on it.',
    unknown: 'The provider reported something that says nothing about delivery.',
  },
  hard: 'hard, the mailbox is not tried again',
  refusedForGood:
    'The mailbox refused it for good. Ask the person for another address, or to correct a typing mistake.',
  refusedForNow:
    'The receiving server refused it, for a reason that may pass. Read the reason below, then let the person ask again.',
  notReported: 'The provider took it; whether it reached the mailbox is not reported yet.',
  neverReported:
    'The mail server took it. It reports no deliveries, so nothing more is known unless a bounce comes back.',
  putOffSoFar:
    'The provider took it; the receiving server has put it off so far, and the provider tries again.',
  lookMeanwhile: 'let the person look in the spam folder',
  delivered: 'The receiving server took it.',
  deliveredUnseen: ' If the person does not see it, the spam folder is the place to look.',
  complained:
    'The recipient reported the message as spam. Do not mail this address again unless the person asks for it.',
  credential: 'link',
};

const sms: ChannelWords = {
  failures: smsFailureClauses,
  refusedByDefault: 'the SMS provider refused it',
  reports: {
    ...mail.reports,
    deferred: 'The network put it off; the provider tries again.',
    delivered: 'The phone took it.',
    bounced: 'It did not reach the phone.',
    complained: 'The recipient has answered STOP.',
  },
  hard: 'hard, the number takes no SMS',
  refusedForGood:
    'The number takes no SMS. Ask the person for another number, or to correct a typing mistake.',
  refusedForNow:
    'It did not reach the phone, for a reason that may pass. Read the reason below, then let the person ask again.',
  notReported: 'The provider took it; whether it reached the phone is not reported yet.',
  neverReported: 'The provider took it. It reports no deliveries, so nothing more is known.',
  putOffSoFar: 'The provider took it; the network has put it off so far, and the provider tries again.',
  lookMeanwhile: 'ask whether the phone is on and has coverage',
  delivered: 'The phone took it.',
  deliveredUnseen: ' If the person does not see it, the phone may sort it as spam.',
  complained:
    'The recipient has answered STOP, so nothing is carried to the number until START is sent from it.',
  credential: 'code',
};

export const wordsOf = (channel: Channel): ChannelWords => (channel === 'sms' ? sms : mail);
