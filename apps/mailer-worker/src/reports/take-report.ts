import { judgeReport, type ProvenReport } from '@reconfirm/core/reports/judge-report';
import { splitMail } from '@reconfirm/core/reports/split-mail';
import type { KeyRing } from '@reconfirm/core/token';
import type { EventOutcome, IncomingEvent } from '@reconfirm/db/delivery-events';
import type { Logger } from '@reconfirm/process/logger';

/** RFC 3464's own examples have 2 KiB, and headers are all that we ask servers to return. */
export const reportSizeBytesMax = 64 * 1024;

/** A mail that came to the bounce domain. */
export interface ReceivedReport {
  readonly raw: Uint8Array;
  /** Where it was addressed to, in any spelling. */
  readonly recipients: readonly string[];
  /** MAIL FROM, empty for the null sender; undefined where nobody noted it. */
  readonly sender: string | undefined;
  /** Asked only when nothing in a complaint proves which message it is about. */
  readonly isFromFeedbackSource: () => Promise<boolean>;
}

/**
 * What became of a mail: stored (as for webhooks), or why it does not count. `too_large`: beyond
 * `reportSizeBytesMax`, and not read.
 */
export type ReportOutcome =
  | EventOutcome
  | 'unproven'
  | 'auto_reply'
  | 'not_a_report'
  | 'sender'
  | 'says_nothing'
  | 'too_large';

export type TakeReport = (received: ReceivedReport) => Promise<ReportOutcome>;

export interface TakeReportOptions {
  readonly ring: KeyRing;
  readonly domain: string;
  /** `storeDeliveryEvent`: each report once. */
  readonly store: (event: IncomingEvent) => Promise<EventOutcome>;
  readonly counted: (outcome: ReportOutcome) => void;
  readonly log: Logger;
}

/** The name under which reports stand among the events of providers. */
export const reportProvider = 'smtp';

/**
 * Takes one mail from the bounce domain: split → judge → store. Resolves with what became of it; rejects only
 * when it could not be stored, so that whoever brought it can bring it again.
 */
export const createTakeReport = (options: TakeReportOptions): TakeReport => {
  const { ring, domain, log } = options;

  const done = (outcome: ReportOutcome, line: Readonly<Record<string, unknown>> = {}): ReportOutcome => {
    options.counted(outcome);
    log.info({ outcome, ...line }, 'report.received');
    return outcome;
  };

  const store = async (proven: ProvenReport): Promise<ReportOutcome> => {
    const { event, replayKey, bodyHash } = proven;
    const outcome = await options.store({ provider: reportProvider, event, replayKey, bodyHash });
    return done(outcome, { messageId: event.messageId, type: event.type, bounce: event.bounce });
  };

  return async (received) => {
    if (received.raw.byteLength > reportSizeBytesMax) return done('too_large');
    const mail = splitMail(received.raw);
    const { recipients, sender } = received;
    const context = { ring, domain, recipients, sender, receivedAt: new Date() };
    let verdict = judgeReport(mail, { ...context, isFromFeedbackSource: false });
    // A look-up in DNS, so only when nothing else decides.
    const mayBeVouchedFor =
      verdict.kind === 'unproven' && verdict.isFeedback && verdict.claimedMessageId !== undefined;
    if (mayBeVouchedFor && (await received.isFromFeedbackSource()))
      verdict = judgeReport(mail, { ...context, isFromFeedbackSource: true });
    if (verdict.kind === 'proven') return store(verdict);
    if (verdict.kind === 'ignored') return done(verdict.reason);
    return done('unproven', { claimedMessageId: verdict.claimedMessageId });
  };
};
