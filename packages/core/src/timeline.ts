import type { BounceKind, DeliveryEventType } from './delivery-event.ts';
import type { MessageStatus } from './message.ts';
import {
  isPutOffReason,
  noticeReasons,
  type NotSentReason,
  notSentReasons,
  putOffReasons,
} from './resolve.ts';
import type { SmtpFailureCode } from './smtp-reply.ts';
import { scrubReply } from './reply-text.ts';

/** The message as stored. */
export interface MessageFacts {
  readonly status: MessageStatus;
  /** Why it was not sent or failed: a `NotSentReason`, an `SmtpFailureCode`, or a provider's word. */
  readonly reason: string | null;
  readonly acceptedAt: Date;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
  /** When the next attempt of an unfinished message is due. */
  readonly nextAt: Date | null;
  /** When a newer message of the same subject was accepted: from then on this one's link is dead. */
  readonly newerAcceptedAt?: Date | null;
}

export type AttemptFactsResult =
  | 'accepted'
  | 'permanent'
  | 'transient'
  | 'ambiguous'
  | 'misconfigured'
  | 'given_back';

/** One hand-over. Without a result it is still going on, or its worker died. */
export interface AttemptFacts {
  readonly number: number;
  readonly provider: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly result: AttemptFactsResult | null;
  readonly code: string | null;
  readonly reply: string | null;
}

/** One report of a provider about the message. */
export interface ReportFacts {
  readonly type: DeliveryEventType;
  readonly bounce: BounceKind | null;
  readonly reason: string | null;
  /** By the provider's clock. */
  readonly occurredAt: Date;
  /** By ours; the timeline is ordered by this one, because the provider's clock may be wrong. */
  readonly receivedAt: Date;
}

export interface VerificationFacts {
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly consumedAt: Date | null;
  /** When whoever had asked for it withdrew it. */
  readonly revokedAt?: Date | null;
}

export interface TimelineFacts {
  readonly message: MessageFacts;
  readonly attempts: readonly AttemptFacts[];
  readonly events: readonly ReportFacts[];
  /** Null when no token was made. */
  readonly verification: VerificationFacts | null;
}

export interface TimelineEntry {
  readonly at: Date;
  readonly what: string;
  readonly detail?: string;
}

export interface Explanation {
  /** What became of the message in one plain sentence, and one with the next step. */
  readonly summary: string;
  /** Oldest first. */
  readonly entries: readonly TimelineEntry[];
}

/** After this long without a report, the hand-over stays unconfirmed: it is not a delivery. */
export const unconfirmedAfterSeconds = 86_400;

const nextStepsNotSent = {
  superseded: 'Look at the newer message instead.',
  unknown_account: 'The person has to register first, or used another address.',
  already_verified: 'Nothing to do: the person can sign in.',
  suspended: 'Lift the suspension if it is a mistake, then let the person ask again.',
  email_off: 'Verify the account by hand, or set EMAIL_PROVIDER and let the person ask again.',
  no_such_channel: 'The account has only a phone number, or only an e-mail address; use that one.',
  change_over: 'Look at the change of address of the account; a newer one may be under way.',
  account_deleted: 'Nothing to do; a new account of this address gets messages of its own.',
  revoked: 'Send the invitation again if it was withdrawn by mistake.',
  not_composed: 'Mend what the log names, then let the person ask again.',
  change_resent: 'Look at the messages of the account that were accepted right after this one.',
  no_pending_change: 'Let the person ask for the change of address again.',
  too_late: 'Read the failed attempts below, mend what they name, then let the person ask again.',
  lost_too_often: 'Read the logs of the worker at the times of the attempts below before asking again.',
} as const satisfies Record<NotSentReason, string>;

/** What an SMTP failure means, as a clause. */
const failureClauses = {
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

const attemptSentences = {
  accepted: 'The provider took it.',
  permanent: 'It was refused for good.',
  transient: 'It failed for now and will be tried again.',
  ambiguous: 'It left us, but no answer came: it may have been taken.',
  misconfigured: 'It failed because of our own set-up; the recipient is not at fault.',
  given_back: 'The worker stopped before handing it over.',
} as const satisfies Record<AttemptFactsResult, string>;

const reportSentences = {
  accepted: 'The provider confirmed that it took the message.',
  deferred: 'The receiving server put it off; the provider tries again.',
  delivered: 'The receiving server took it.',
  bounced: 'The receiving server refused it.',
  rejected: 'The provider would not carry it.',
  complained: 'The recipient reported it as spam.',
  failed: 'The provider gave up on it.',
  unknown: 'The provider reported something that says nothing about delivery.',
} as const satisfies Record<DeliveryEventType, string>;

const lookUp = (table: Readonly<Record<string, string>>, key: string | null): string | undefined =>
  key !== null && Object.hasOwn(table, key) ? table[key] : undefined;

/** Stored texts are scrubbed already; once more costs nothing and covers rows of other writers. */
const entry = (at: Date, what: string, detail: readonly (string | null)[] = []): TimelineEntry => {
  const text = detail
    .filter((part): part is string => part !== null && part !== '')
    .map((part) => scrubReply(part))
    .join(': ');
  return text === '' ? { at, what } : { at, what, detail: text };
};

const attemptEntry = (attempt: AttemptFacts): TimelineEntry => {
  const name = `Attempt ${attempt.number} by ${attempt.provider}`;
  if (attempt.result === null)
    return entry(attempt.startedAt, `${name}: begun, and no result is known (yet).`);
  const clause =
    attempt.result === 'accepted' ? null : (lookUp(failureClauses, attempt.code) ?? attempt.code);
  return entry(attempt.finishedAt ?? attempt.startedAt, `${name}: ${attemptSentences[attempt.result]}`, [
    clause,
    attempt.reply,
  ]);
};

const reportEntry = (report: ReportFacts): TimelineEntry => {
  const kind =
    report.bounce === null
      ? null
      : report.bounce === 'hard'
        ? 'hard, the mailbox is not tried again'
        : 'soft, it may work another time';
  return entry(report.receivedAt, reportSentences[report.type], [kind, report.reason]);
};

const reasonSentence = (reason: string | null): string =>
  lookUp(notSentReasons, reason) ?? `The reason on record: ${scrubReply(reason ?? 'none')}.`;

const outcomeEntries = ({ message, attempts }: TimelineFacts): TimelineEntry[] => {
  if (message.settledAt !== null && (message.status === 'skipped' || message.status === 'gave_up')) {
    const what = message.status === 'skipped' ? 'Not sent.' : 'Given up.';
    const known = lookUp(notSentReasons, message.reason) ?? lookUp(failureClauses, message.reason);
    return [entry(message.settledAt, what, [known ?? message.reason])];
  }
  // The attempt says it better; without one (rows that were imported) the time is still worth a line.
  const wasTaken = attempts.some((attempt) => attempt.result === 'accepted');
  return message.sentAt !== null && !wasTaken ? [entry(message.sentAt, 'Handed over to the provider.')] : [];
};

const verificationEntries = (verification: VerificationFacts | null, now: Date): TimelineEntry[] => {
  if (verification === null) return [];
  const { createdAt, expiresAt, consumedAt } = verification;
  const made = entry(createdAt, 'The link was made.');
  if (consumedAt !== null) return [made, entry(consumedAt, 'The link was used: the address is confirmed.')];
  if (verification.revokedAt instanceof Date)
    return [made, entry(verification.revokedAt, 'The link was withdrawn; it no longer works.')];
  const isOver = expiresAt.getTime() <= now.getTime();
  return [
    made,
    entry(expiresAt, isOver ? 'The link expired unused.' : 'The link will expire, unless it is used before.'),
  ];
};

/** Of several failures the last one is what an operator has to look at. */
const lastFailure = (attempts: readonly AttemptFacts[]): AttemptFacts | undefined =>
  attempts
    .filter((attempt) => attempt.result !== null && attempt.result !== 'accepted')
    .toSorted((a, b) => b.number - a.number)[0];

const waiting = ({ message, attempts }: TimelineFacts): string => {
  const failure = lastFailure(attempts);
  const due = message.nextAt === null ? '' : ` The next attempt is due at ${message.nextAt.toISOString()}.`;
  if (message.reason !== null && isPutOffReason(message.reason))
    return `It is put off. ${putOffReasons[message.reason]}${due}`;
  if (failure === undefined)
    return `It was accepted and is waiting to be sent.${due} If that time is long past, see whether a worker is running.`;
  const clause = lookUp(failureClauses, failure.code) ?? 'the attempt failed';
  const step =
    failure.result === 'misconfigured'
      ? 'Mend our settings or the account at the provider; it is then sent by itself.'
      : 'Nothing to do unless this goes on.';
  return `It has not been handed over yet: ${clause}.${due} ${step}`;
};

const linkState = ({ message, verification }: TimelineFacts, now: Date): string => {
  if (verification === null) return '';
  if (verification.consumedAt !== null)
    return ' The link was used and the address is confirmed; nothing to do.';
  if (verification.revokedAt instanceof Date)
    return ' Its link was withdrawn. Send another one if that was a mistake.';
  if (message.newerAcceptedAt !== undefined && message.newerAcceptedAt !== null)
    return ' Its link no longer works, because a newer message was asked for. Look at the newer message.';
  if (verification.expiresAt.getTime() <= now.getTime())
    return ' Its link has expired unused. Let the person ask for a new one.';
  return '';
};

const handedOver = (facts: TimelineFacts, now: Date): string => {
  const notice = lookUp(noticeReasons, facts.message.reason);
  if (notice !== undefined) return `${notice} Nothing to do.`;
  const state = linkState(facts, now);
  const sentAt = facts.message.sentAt ?? facts.message.acceptedAt;
  const isOld = now.getTime() - sentAt.getTime() > unconfirmedAfterSeconds * 1000;
  const sentence = isOld
    ? 'The provider took it more than a day ago and has reported nothing since: its delivery is unconfirmed.'
    : 'The provider took it; whether it reached the mailbox is not reported yet.';
  if (state !== '') return sentence + state;
  return isOld
    ? `${sentence} Check that the webhook of the provider reaches this service, and let the person look in the spam folder.`
    : `${sentence} Wait for the report, or let the person look in the spam folder.`;
};

const refused = ({ message, events }: TimelineFacts): string => {
  const report = events.findLast((event) => ['bounced', 'rejected', 'failed'].includes(event.type));
  if (report?.type === 'rejected')
    return 'The provider would not carry it. Read its reason below and settle it with the provider.';
  if (report?.bounce === 'hard')
    return 'The mailbox refused it for good. Ask the person for another address, or to correct a typing mistake.';
  if (report !== undefined)
    return 'The receiving server refused it, for a reason that may pass. Read the reason below, then let the person ask again.';
  const clause = lookUp(failureClauses, message.reason) ?? 'the mail server refused it';
  return `It failed for good: ${clause}. Check the address with the person; a correction needs a new request.`;
};

const summaryOf = (facts: TimelineFacts, now: Date): string => {
  const { message } = facts;
  switch (message.status) {
    case 'queued':
    case 'sending':
    case 'deferred':
      return waiting(facts);
    case 'skipped':
    case 'gave_up': {
      const step = lookUp(nextStepsNotSent, message.reason);
      if (step !== undefined) return `${reasonSentence(message.reason)} ${step}`;
      return message.status === 'gave_up'
        ? refused(facts)
        : `${reasonSentence(message.reason)} Read the entries below.`;
    }
    case 'sent':
      return handedOver(facts, now);
    case 'delivered':
      return `The receiving server took it.${linkState(facts, now) || ' If the person does not see it, the spam folder is the place to look.'}`;
    case 'bounced':
      return refused(facts);
    case 'complained':
      return 'The recipient reported the message as spam. Do not mail this address again unless the person asks for it.';
  }
};

/**
 * Why a message was not sent, or what became of it: for an operator, in words, oldest first. Holds no
 * address, link or token. `now` decides only whether a link has expired and a hand-over is unconfirmed.
 */
export const explainMessage = (facts: TimelineFacts, now: Date): Explanation => {
  const { message } = facts;
  const superseded = message.newerAcceptedAt ?? null;
  const entries = [
    entry(message.acceptedAt, 'The request was accepted.'),
    ...facts.attempts.map(attemptEntry),
    ...facts.events.map(reportEntry),
    ...outcomeEntries(facts),
    ...(superseded === null ? [] : [entry(superseded, 'A newer request for the same address was accepted.')]),
    ...verificationEntries(facts.verification, now),
  ];
  // Sorting keeps the order of equals, so what one statement wrote stays in the order given above.
  return {
    summary: summaryOf(facts, now),
    entries: entries.toSorted((a, b) => a.at.getTime() - b.at.getTime()),
  };
};
