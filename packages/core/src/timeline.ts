import type { BounceKind, DeliveryEventType } from './delivery-event.ts';
import type { Channel } from './destination.ts';
import { reportsDeliveries, unconfirmedAfterSeconds } from './delivery-state.ts';
import type { MessageStatus } from './message.ts';
import { isPutOffReason, noticeReasons, notSentReasons, putOffReasons } from './resolve.ts';
import { scrubReply } from './reply-text.ts';
import { type LookupFacts, lookupLines } from './timeline-lookup.ts';
import {
  suppressedStep,
  type SuppressionFacts,
  suppressionLines,
  suppressionStep,
} from './timeline-suppression.ts';
import { attemptSentences, type ChannelWords, nextStepsNotSent, wordsOf } from './timeline-words.ts';

/** The message as stored. */
export interface MessageFacts {
  /** E-mail unless it is said. */
  readonly channel?: Channel;
  /** What it was for and by which contract it was asked for, where that is to be told. */
  readonly purpose?: string;
  readonly contract?: string;
  /** Who carried it last; left out, it is taken for one that reports deliveries. */
  readonly provider?: string | null;
  readonly status: MessageStatus;
  /** Why it was not sent or failed: a `NotSentReason`, an `SmtpFailureCode` or `SmsFailureCode`, or a provider's word. */
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
  readonly lookups?: readonly LookupFacts[];
  /** Null when no token was made. */
  readonly verification: VerificationFacts | null;
  /** Null, or left out, when the address was never suppressed. */
  readonly suppression?: SuppressionFacts | null;
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

const askedFor = ({ purpose, contract, channel }: MessageFacts): string | null =>
  purpose === undefined
    ? null
    : `${purpose} by ${channel === 'sms' ? 'SMS' : 'e-mail'}, asked for by ${contract ?? 'an unknown contract'}`;

const attemptEntry = (attempt: AttemptFacts, words: ChannelWords): TimelineEntry => {
  const name = `Attempt ${attempt.number} by ${attempt.provider}`;
  if (attempt.result === null)
    return entry(attempt.startedAt, `${name}: begun, and no result is known (yet).`);
  const clause =
    attempt.result === 'accepted' ? null : (lookUp(words.failures, attempt.code) ?? attempt.code);
  return entry(attempt.finishedAt ?? attempt.startedAt, `${name}: ${attemptSentences[attempt.result]}`, [
    clause,
    attempt.reply,
  ]);
};

const reportEntry = (report: ReportFacts, words: ChannelWords): TimelineEntry => {
  const kind =
    report.bounce === null ? null : report.bounce === 'hard' ? words.hard : 'soft, it may work another time';
  return entry(report.receivedAt, words.reports[report.type], [kind, report.reason]);
};

const reasonSentence = (reason: string | null): string =>
  lookUp(notSentReasons, reason) ?? `The reason on record: ${scrubReply(reason ?? 'none')}.`;

const outcomeEntries = ({ message, attempts }: TimelineFacts, words: ChannelWords): TimelineEntry[] => {
  if (message.settledAt !== null && (message.status === 'skipped' || message.status === 'gave_up')) {
    const what = message.status === 'skipped' ? 'Not sent.' : 'Given up.';
    const known = lookUp(notSentReasons, message.reason) ?? lookUp(words.failures, message.reason);
    return [entry(message.settledAt, what, [known ?? message.reason])];
  }
  // The attempt says it better; without one (rows that were imported) the time is still worth a line.
  const wasTaken = attempts.some((attempt) => attempt.result === 'accepted');
  return message.sentAt !== null && !wasTaken ? [entry(message.sentAt, 'Handed over to the provider.')] : [];
};

const verificationEntries = (
  verification: VerificationFacts | null,
  { credential }: ChannelWords,
  now: Date,
): TimelineEntry[] => {
  if (verification === null) return [];
  const { createdAt, expiresAt, consumedAt } = verification;
  const made = entry(createdAt, `The ${credential} was made.`);
  if (consumedAt !== null)
    return [made, entry(consumedAt, `The ${credential} was used: the address is confirmed.`)];
  if (verification.revokedAt instanceof Date)
    return [made, entry(verification.revokedAt, `The ${credential} was withdrawn; it no longer works.`)];
  const isOver = expiresAt.getTime() <= now.getTime();
  return [
    made,
    entry(
      expiresAt,
      isOver
        ? `The ${credential} expired unused.`
        : `The ${credential} will expire, unless it is used before.`,
    ),
  ];
};

/** Of several failures the last one is what an operator has to look at. */
const lastFailure = (attempts: readonly AttemptFacts[]): AttemptFacts | undefined =>
  attempts
    .filter((attempt) => attempt.result !== null && attempt.result !== 'accepted')
    .toSorted((a, b) => b.number - a.number)[0];

const waiting = ({ message, attempts }: TimelineFacts, words: ChannelWords): string => {
  const failure = lastFailure(attempts);
  const due = message.nextAt === null ? '' : ` The next attempt is due at ${message.nextAt.toISOString()}.`;
  if (message.reason !== null && isPutOffReason(message.reason))
    return `It is put off. ${putOffReasons[message.reason]}${due}`;
  if (failure === undefined)
    return `It was accepted and is waiting to be sent.${due} If that time is long past, see whether a worker is running.`;
  const clause = lookUp(words.failures, failure.code) ?? 'the attempt failed';
  const step =
    failure.result === 'misconfigured'
      ? 'Mend our settings or the account at the provider; it is then sent by itself.'
      : 'Nothing to do unless this goes on.';
  return `It has not been handed over yet: ${clause}.${due} ${step}`;
};

const credentialState = (
  { message, verification }: TimelineFacts,
  { credential }: ChannelWords,
  now: Date,
): string => {
  if (verification === null) return '';
  if (verification.consumedAt !== null)
    return ` The ${credential} was used and the address is confirmed; nothing to do.`;
  if (verification.revokedAt instanceof Date)
    return ` Its ${credential} was withdrawn. Send another one if that was a mistake.`;
  if (message.newerAcceptedAt !== undefined && message.newerAcceptedAt !== null)
    return ` Its ${credential} no longer works, because a newer message was asked for. Look at the newer message.`;
  if (verification.expiresAt.getTime() <= now.getTime())
    return ` Its ${credential} has expired unused. Let the person ask for a new one.`;
  return '';
};

const handedOver = (facts: TimelineFacts, words: ChannelWords, now: Date): string => {
  const notice = lookUp(noticeReasons, facts.message.reason);
  if (notice !== undefined) return `${notice} Nothing to do.`;
  const state = credentialState(facts, words, now);
  const { channel = 'email', provider } = facts.message;
  if (provider !== undefined && !reportsDeliveries(channel, provider))
    return state === ''
      ? `${words.neverReported} Ask the person, or ${words.lookMeanwhile}.`
      : words.neverReported + state;
  const lastReport = facts.events.toSorted((a, b) => a.receivedAt.getTime() - b.receivedAt.getTime()).at(-1);
  const sentAt = facts.message.sentAt ?? facts.message.acceptedAt;
  const isOld = now.getTime() - sentAt.getTime() > unconfirmedAfterSeconds * 1000;
  const sentence = isOld
    ? 'The provider took it more than a day ago and has not reported a delivery since: it is UNCONFIRMED.'
    : lastReport?.type === 'deferred'
      ? words.putOffSoFar
      : words.notReported;
  if (state !== '') return sentence + state;
  return isOld
    ? `${sentence} Check that the webhook of the provider reaches this service, and ${words.lookMeanwhile}.`
    : `${sentence} Wait for the report, or ${words.lookMeanwhile}.`;
};

const refused = ({ message, events }: TimelineFacts, words: ChannelWords): string => {
  const report = events.findLast((event) => ['bounced', 'rejected', 'failed'].includes(event.type));
  if (report?.type === 'rejected')
    return 'The provider would not carry it. Read its reason below and settle it with the provider.';
  if (report?.bounce === 'hard') return words.refusedForGood;
  if (report !== undefined) return words.refusedForNow;
  const clause = lookUp(words.failures, message.reason) ?? words.refusedByDefault;
  return `It failed for good: ${clause}. Check the address with the person; a correction needs a new request.`;
};

/** An SMS that may have been taken. */
const unanswered = (reason: string | null, words: ChannelWords): string =>
  `Nobody knows whether it was sent: ${lookUp(words.failures, reason) ?? 'no clear answer came'}. It is not tried again by itself, because that could cost twice; a report of the provider still counts. Let the person ask again.`;

const summaryOf = (facts: TimelineFacts, now: Date): string => {
  const { message } = facts;
  const words = wordsOf(message.channel ?? 'email');
  switch (message.status) {
    case 'queued':
    case 'sending':
    case 'deferred':
      return waiting(facts, words);
    case 'skipped':
    case 'gave_up': {
      const step =
        message.reason === 'suppressed'
          ? suppressedStep(facts, now)
          : lookUp(nextStepsNotSent, message.reason);
      if (step !== undefined) return `${reasonSentence(message.reason)} ${step}`;
      if (message.status === 'gave_up' && message.channel === 'sms') return unanswered(message.reason, words);
      return message.status === 'gave_up'
        ? refused(facts, words)
        : `${reasonSentence(message.reason)} Read the entries below.`;
    }
    case 'sent':
      return handedOver(facts, words, now);
    case 'delivered':
      return `${words.delivered}${credentialState(facts, words, now) || words.deliveredUnseen}`;
    case 'undelivered':
    case 'bounced':
      return refused(facts, words) + suppressionStep(facts, now);
    case 'complained':
      return words.complained + suppressionStep(facts, now);
  }
};

/**
 * Why a message was not sent, or what became of it: for an operator, in words, oldest first. Holds no
 * address, link or token. `now` decides only whether a link has expired and a hand-over is unconfirmed.
 */
export const explainMessage = (facts: TimelineFacts, now: Date): Explanation => {
  const { message } = facts;
  const superseded = message.newerAcceptedAt ?? null;
  const words = wordsOf(message.channel ?? 'email');
  const entries = [
    entry(message.acceptedAt, 'The request was accepted.', [askedFor(message)]),
    ...facts.attempts.map((attempt) => attemptEntry(attempt, words)),
    ...facts.events.map((report) => reportEntry(report, words)),
    ...lookupLines(facts.lookups ?? []).map(({ at, what, detail }) => entry(at, what, [detail])),
    ...outcomeEntries(facts, words),
    ...suppressionLines(facts).map(({ at, what, detail }) => entry(at, what, [detail])),
    ...(superseded === null ? [] : [entry(superseded, 'A newer request for the same address was accepted.')]),
    ...verificationEntries(facts.verification, words, now),
  ];
  // Sorting keeps the order of equals, so what one statement wrote stays in the order given above.
  return {
    summary: summaryOf(facts, now),
    entries: entries.toSorted((a, b) => a.at.getTime() - b.at.getTime()),
  };
};
