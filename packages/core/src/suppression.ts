import type { DeliveryEvent } from './delivery-event.ts';
import type { Channel } from './destination.ts';
import { hardStatuses } from './reports/status-meaning.ts';
import { endsNumber, type SmsFailureCode } from './sms-failure.ts';

/** Why nothing is sent to an address, each as a clause that follows "because". */
export const suppressionReasons = {
  hard_bounce: 'a message to it was refused for good',
  complaint: 'a message to it was reported as spam',
  opt_out: 'STOP was sent from it',
  operator: 'an operator said so',
} as const;

export type SuppressionReason = keyof typeof suppressionReasons;

/** What a report or a failed hand-over gives as a reason. */
export type SuppressionCause = Exclude<SuppressionReason, 'operator'>;

/**
 * From so many complaints on, only an operator lets messages through to an address again. Before that a
 * request that has passed a captcha gets one message through, at most one a day of each purpose: whoever
 * pressed the button by mistake is let in, and a stranger who solves captchas gets another complaint, no more.
 */
export const complaintsUntilOperator = 2;

/** What is known of the message by which somebody has just proved an address, or which is about to be sent. */
interface AskedMessage {
  readonly passedCaptcha: boolean;
}

const isPassable = (suppression: Suppression, { passedCaptcha }: AskedMessage): boolean =>
  suppression.reason === 'complaint' && passedCaptcha && suppression.complaints < complaintsUntilOperator;

/** Whether a message may be sent although its address is suppressed. */
export const passesSuppression = (suppression: Suppression, message: AskedMessage, now: Date): boolean =>
  !isInForce(suppression, now) || isPassable(suppression, message);

/**
 * Whether using what a message brought ends the suppression: a hard bounce, for who has read the mailbox has
 * shown that it works; and a complaint, where the message was asked for through a captcha and let through.
 */
export const isEndedByProof = (suppression: Suppression, message: AskedMessage): boolean =>
  suppression.reason === 'hard_bounce' || isPassable(suppression, message);

/** The longest that a hard bounce can last. */
export const hardBounceDaysMax = 365;

/**
 * How many days the first, second, … hard bounce of an address lasts: each twice as long as the one before,
 * the last of them for all that follow. Empty for 0 days: then no bounce suppresses anything.
 */
export const hardBounceDays = (firstDays: number): readonly number[] => {
  if (firstDays <= 0) return [];
  const days = [Math.min(firstDays, hardBounceDaysMax)];
  for (let next = firstDays * 2; (days.at(-1) ?? 0) < hardBounceDaysMax; next *= 2)
    days.push(Math.min(next, hardBounceDaysMax));
  return days;
};

/** SUPPRESS_HARD_BOUNCE_DAYS unless it is set. Two weeks: mailboxes come back, and it doubles for those that do not. */
export const hardBounceDaysDefault = 14;

/**
 * Why a report suppresses the address of its message, or null. Soft bounces never do, nor does what a provider
 * would not carry for its own reasons: only what is said about the mailbox or by its owner counts.
 */
export const causeOfReport = (event: {
  readonly type: DeliveryEvent['type'];
  readonly bounce?: DeliveryEvent['bounce'] | null | undefined;
}): SuppressionCause | null => {
  if (event.type === 'complained') return 'complaint';
  return event.type === 'bounced' && event.bounce === 'hard' ? 'hard_bounce' : null;
};

/** What a person does on a channel when complaining: a phone has no button for spam, it answers STOP. */
export const causeOn = (channel: Channel, cause: SuppressionCause): SuppressionCause =>
  channel === 'sms' && cause === 'complaint' ? 'opt_out' : cause;

/** The words of servers that give no enhanced code (RFC 3463); "mailbox unavailable" (RFC 5321's own of 550) is also said of policies. */
const goneText =
  /\b(?:user|recipient|mailbox|address|account)\b[^.;]{0,30}\b(?:unknown|not found|does ?n[o']t exist|not exist|disabled|no longer)\b|\b(?:unknown|no such|invalid|non-?existent)\s+(?:local\s+)?(?:user|recipient|mailbox|address)\b/i;

/** Servers that judge the sender at RCPT TO (Postfix does) say "Sender address rejected: Domain not found". */
const otherText = /\b(?:sender|from|helo|ehlo|client|host(?:name)?|relay\w*|polic\w+|block\w*)\b/i;

const isGone = (reply: string): boolean => {
  if (!/^55[0134]\b/.test(reply)) return false;
  const status = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(reply)?.[1];
  return status === undefined ? goneText.test(reply) && !otherText.test(reply) : hardStatuses.has(status);
};

/** What is known of a hand-over that was refused for good. */
export interface RefusedHandOver {
  readonly channel: Channel;
  /** An `SmtpFailureCode` or `SmsFailureCode`. */
  readonly code: string;
  /** The SMTP server's reply, with its codes first. */
  readonly reply: string | null;
}

/**
 * Why a refused hand-over suppresses its address, or null. A server refuses recipients for policies, too, and
 * suppressing somebody who is there locks a person out: only what is clearly said of the mailbox counts.
 */
export const causeOfRefusal = ({ channel, code, reply }: RefusedHandOver): SuppressionCause | null => {
  if (channel === 'sms') {
    if (code === 'opted_out') return 'opt_out';
    return endsNumber.has(code as SmsFailureCode) ? 'hard_bounce' : null;
  }
  return code === 'recipient_refused' && reply !== null && isGone(reply) ? 'hard_bounce' : null;
};

/** What is on record of one address. */
export interface Suppression {
  readonly reason: SuppressionReason;
  readonly suppressedAt: Date;
  /** Null: until it is lifted. */
  readonly expiresAt: Date | null;
  readonly liftedAt: Date | null;
  readonly liftedBy: 'operator' | 'proof' | null;
  /** How often its owner has complained since an operator last lifted it. */
  readonly complaints: number;
  /** How often in a row it was suppressed for a time: what the next time doubles by. */
  readonly times: number;
}

/** Whether nothing is sent to the address now. */
export const isInForce = (suppression: Pick<Suppression, 'expiresAt' | 'liftedAt'>, now: Date): boolean =>
  suppression.liftedAt === null &&
  (suppression.expiresAt === null || suppression.expiresAt.getTime() > now.getTime());

const dayMs = 86_400_000;

/**
 * What a cause makes of the record of an address; null when it changes nothing.
 * - In force, it stays as it is: of the messages that were under way together each may bounce. Only a
 *   complaint makes one that would end by itself last until it is lifted, and a complaint about a message
 *   that was let through is counted.
 * - A message that was handed over before the last lift says nothing new: the lift is the newer word.
 * - What ended by itself and comes again lasts twice as long. A lift makes a fresh start, but only an
 *   operator's forgets complaints.
 * The statement of packages/db/src/suppress.ts does the same; a test holds the two together.
 */
export const suppress = (
  prior: Suppression | null,
  cause: SuppressionCause,
  { handedOverAt, now, days }: { handedOverAt: Date; now: Date; days: readonly number[] },
): Suppression | null => {
  const isComplaint = cause === 'complaint';
  const complaintsBefore = prior === null || prior.liftedBy === 'operator' ? 0 : prior.complaints;
  const complained = {
    reason: cause,
    suppressedAt: now,
    expiresAt: null,
    liftedAt: null,
    liftedBy: null,
    complaints: complaintsBefore + 1,
  } as const;
  if (prior !== null && isInForce(prior, now)) {
    const isNews = prior.expiresAt !== null || handedOverAt.getTime() > prior.suppressedAt.getTime();
    return isComplaint && isNews ? { ...complained, times: prior.times } : null;
  }
  if (prior?.liftedAt && handedOverAt.getTime() <= prior.liftedAt.getTime()) return null;
  const timesBefore = prior === null || prior.liftedAt !== null ? 0 : prior.times;
  if (isComplaint) return { ...complained, times: timesBefore };
  const times = timesBefore + 1;
  const lasts = days[Math.min(times, days.length) - 1];
  if (lasts === undefined) return null;
  return {
    reason: cause,
    suppressedAt: now,
    expiresAt: new Date(now.getTime() + lasts * dayMs),
    liftedAt: null,
    liftedBy: null,
    complaints: complaintsBefore,
    times,
  };
};
