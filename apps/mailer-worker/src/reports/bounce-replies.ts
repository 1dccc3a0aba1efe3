import type { ReportOutcome } from './take-report.ts';

/** A reply that refuses, as smtp-server wants it: an error with the code. */
export class SmtpRefusal extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, text: string) {
    super(text);
    this.name = 'SmtpRefusal';
    this.responseCode = responseCode;
  }
}

/** Nothing is lost: a server keeps a report that was answered so and brings it again (RFC 5321, 4.2.1). */
export const temporaryFailure = (): SmtpRefusal =>
  new SmtpRefusal(451, '4.3.0 The report cannot be stored now, try again');

const taken = '2.0.0 Taken';
const nothing = '2.0.0 Taken, nothing to count';

const refuse = (responseCode: number, text: string): never => {
  throw new SmtpRefusal(responseCode, text);
};

/**
 * The reply to a mail that was read. A repetition is as good as the first. What has the null sender is never
 * refused for being no report: nobody would get the refusal. Throws `SmtpRefusal`.
 */
export const replyTo = (outcome: ReportOutcome, isNullSender: boolean): string => {
  switch (outcome) {
    case 'applied':
    case 'stored':
    case 'parked':
    case 'repeated':
    case 'replayed':
      return taken;
    case 'auto_reply':
    case 'says_nothing':
      return nothing;
    case 'not_a_report':
      return isNullSender ? nothing : refuse(550, '5.7.1 This address takes delivery reports only');
    case 'sender':
      return refuse(550, '5.7.1 A delivery status has the null sender');
    case 'unproven':
      return refuse(550, '5.7.1 The report does not prove which message it is about');
    case 'too_large':
      return refuse(552, '5.3.4 The report is too large');
  }
};
