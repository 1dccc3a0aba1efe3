import { createHash } from 'node:crypto';
import type { DeliveryEvent } from '../delivery-event.ts';
import { messageIdOfHeader } from '../message-id.ts';
import { scrubReply } from '../reply-text.ts';
import type { KeyRing } from '../token.ts';
import { readBounceAddress, readBounceTag } from './bounce-address.ts';
import { meaningOfFeedback } from './feedback-report.ts';
import { readReport, type Report } from './report.ts';
import type { MailParts } from './split-mail.ts';
import { type Meaning, meaningOfStatus } from './status-meaning.ts';

/** What is known of a mail besides its text. */
export interface ReportContext {
  readonly ring: KeyRing;
  /** BOUNCE_DOMAIN, in small letters. */
  readonly domain: string;
  /** Where the mail was addressed to: RCPT TO, or what the server of a mailbox noted of it. */
  readonly recipients: readonly string[];
  /** MAIL FROM, empty for the null sender; undefined where nobody noted it. */
  readonly sender: string | undefined;
  /** It came from a server that BOUNCE_FEEDBACK_SOURCES names. */
  readonly isFromFeedbackSource: boolean;
  readonly receivedAt: Date;
}

/** A report that counts, with what tells a repetition from a forgery. */
export interface ProvenReport {
  readonly event: DeliveryEvent;
  readonly replayKey: Buffer;
  readonly bodyHash: Buffer;
}

/**
 * `unproven`: it names a message of ours at best, and anybody could have written it. `auto_reply`: a vacation
 * reply. `not_a_report`: anything else that is no report. `sender`: a delivery status whose sender is not
 * null (RFC 3464, 2). `says_nothing`: a report that changes nothing, such as `not-spam`.
 */
export type ReportVerdict =
  | ({ readonly kind: 'proven' } & ProvenReport)
  | { readonly kind: 'unproven'; readonly isFeedback: boolean; readonly claimedMessageId?: string }
  | { readonly kind: 'ignored'; readonly reason: 'auto_reply' | 'not_a_report' | 'sender' | 'says_nothing' };

type MachineReport = Extract<Report, { readonly returned: unknown }>;

interface Reading {
  readonly meaning: Meaning;
  readonly reason: string;
}

/** An SMTP reply has 512 octets a line (RFC 5321, 4.5.3.1.5); of several lines the first ones tell. */
const diagnosticCharsMax = 600;
const reasonCharsMax = 200;
const dayMs = 86_400_000;

/**
 * Judges a mail that came to the bounce domain: whether it is a report, which message it moves, and how.
 * What it says of the message counts only with a tag that we made for that message, wherever the report
 * carries one: nobody can fail somebody else's. A Message-ID alone proves nothing and moves nothing, unless
 * a feedback loop that the operator named sent it. Never throws, names no address.
 */
export const judgeReport = (mail: MailParts, context: ReportContext): ReportVerdict => {
  const report = readReport(mail);
  if (report.kind === 'auto_reply') return { kind: 'ignored', reason: 'auto_reply' };
  if (report.kind === 'none') return { kind: 'ignored', reason: 'not_a_report' };
  if (report.kind === 'delivery_status' && (context.sender ?? '') !== '')
    return { kind: 'ignored', reason: 'sender' };
  const isFeedback = report.kind === 'feedback';
  const claimed = claimedMessage(report);
  const messageId =
    provenMessage(report, context) ?? (isFeedback && context.isFromFeedbackSource ? claimed : undefined);
  if (messageId === undefined)
    return { kind: 'unproven', isFeedback, ...(claimed !== undefined && { claimedMessageId: claimed }) };
  const reading = read(report);
  if (reading === undefined) return { kind: 'ignored', reason: 'says_nothing' };
  return { kind: 'proven', ...provenReport(mail, report, reading, messageId, context) };
};

/** The message whose tag the report carries: in its address, in the envelope id, in the returned mail's. */
const provenMessage = (report: MachineReport, context: ReportContext): string | undefined => {
  const { ring, domain, recipients } = context;
  const originalMailFrom = report.kind === 'feedback' ? report.feedback.originalMailFrom : undefined;
  const addresses = [...recipients, originalMailFrom, report.returned.get('return-path')];
  for (const address of addresses) {
    const messageId = readBounceAddress(ring, domain, bare(address ?? ''));
    if (messageId !== undefined) return messageId;
  }
  return readBounceTag(ring, envelopeIdOf(report) ?? '');
};

/** The message that the report names without proof. */
const claimedMessage = (report: MachineReport): string | undefined =>
  messageIdOfHeader(report.returned.get('message-id') ?? '');

const envelopeIdOf = (report: MachineReport): string | undefined =>
  report.kind === 'feedback' ? report.feedback.envelopeId : report.status.envelopeId;

/** RFC 5965 writes `<user@example.com>`, some senders `rfc822; user@example.com`. */
const bare = (address: string): string =>
  address
    .trim()
    .replace(/^rfc822\s*;\s*/i, '')
    .replace(/^<|>$/g, '');

const read = (report: MachineReport): Reading | undefined => {
  if (report.kind === 'feedback') {
    const meaning = meaningOfFeedback(report.feedback);
    return meaning === undefined ? undefined : { meaning, reason: report.feedback.feedbackType };
  }
  const found = meaningOfStatus(report.status);
  if (found === undefined) return undefined;
  const { action, status, diagnostic, localParts } = found.recipient;
  const words = scrubReply(diagnostic.slice(0, diagnosticCharsMax), localParts);
  const code = status === undefined ? action : `${action} ${status}`;
  const reason = words === '' ? code : `${code}: ${words}`;
  return { meaning: found.meaning, reason: Array.from(reason).slice(0, reasonCharsMax).join('') };
};

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest();
};

/**
 * A report is known by its own Message-ID, else by its part for machines; together with the message, so that
 * a report on one message can never pass for the repetition of a report on another.
 */
const provenReport = (
  mail: MailParts,
  report: MachineReport,
  { meaning, reason }: Reading,
  messageId: string,
  context: ReportContext,
): ProvenReport => {
  const reportId = mail.headers.get('message-id')?.trim() ?? '';
  const identity =
    reportId === ''
      ? sha256('part', messageId, report.statusPart)
      : sha256('message-id', messageId, reportId);
  const event: DeliveryEvent = {
    ...meaning,
    eventId: `report-${identity.toString('hex', 0, 20)}`,
    messageId,
    occurredAt: reportedAt(mail, context.receivedAt),
    reason,
  };
  return { event, replayKey: identity, bodyHash: sha256(report.statusPart) };
};

/** The report's own date, where it can be: servers try for days, and clocks are wrong. */
const reportedAt = (mail: MailParts, receivedAt: Date): Date => {
  const ms = Date.parse((mail.headers.get('date') ?? '').slice(0, 100));
  const ageMs = receivedAt.getTime() - ms;
  return ageMs >= 0 && ageMs < 30 * dayMs ? new Date(ms) : receivedAt;
};
