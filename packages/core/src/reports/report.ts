import { type DeliveryStatus, readDeliveryStatus } from './delivery-status.ts';
import { type FeedbackReport, readFeedbackReport } from './feedback-report.ts';
import type { MailParts } from './split-mail.ts';
import { type FieldGroup, readFieldGroups } from './status-fields.ts';

/** What a mail turns out to be. `returned`: the headers of the mail it is about, where it brought them. */
export type Report =
  | {
      readonly kind: 'delivery_status';
      readonly status: DeliveryStatus;
      readonly returned: FieldGroup;
      readonly statusPart: Uint8Array;
    }
  | {
      readonly kind: 'feedback';
      readonly feedback: FeedbackReport;
      readonly returned: FieldGroup;
      readonly statusPart: Uint8Array;
    }
  | { readonly kind: 'auto_reply' }
  | { readonly kind: 'none' };

const statusTypes: ReadonlySet<string> = new Set([
  'message/delivery-status',
  'message/global-delivery-status',
]);
const returnedTypes: ReadonlySet<string> = new Set([
  'message/rfc822',
  'message/global',
  'text/rfc822-headers',
  'message/rfc822-headers',
  'message/global-headers',
]);

/**
 * Reads a mail as a report: `multipart/report` (RFC 6522) with a part for machines. Words for people are
 * not guessed at. A report outranks `Auto-Submitted`, which most servers put on their bounces; without one
 * that header marks a vacation reply (RFC 3834, 5). Takes any bytes and never throws.
 */
export const readReport = (mail: MailParts): Report => {
  const contentType = mail.headers.get('content-type') ?? '';
  if (!/^\s*multipart\/report\s*(?:;|$)/i.test(contentType)) return { kind: autoReplyOrNone(mail) };
  const returnedPart = mail.parts.find(({ type }) => returnedTypes.has(type));
  const [returned = new Map()] = returnedPart === undefined ? [] : readFieldGroups(returnedPart.content);
  const statusPart = mail.parts.find(({ type }) => statusTypes.has(type))?.content;
  const feedbackPart = mail.parts.find(({ type }) => type === 'message/feedback-report')?.content;
  const feedback = feedbackPart === undefined ? undefined : readFeedbackReport(feedbackPart);
  if (feedbackPart !== undefined && feedback !== undefined)
    return { kind: 'feedback', feedback, returned, statusPart: feedbackPart };
  if (statusPart !== undefined)
    return { kind: 'delivery_status', status: readDeliveryStatus(statusPart), returned, statusPart };
  return { kind: autoReplyOrNone(mail) };
};

const autoReplyOrNone = (mail: MailParts): 'auto_reply' | 'none' => {
  const value = mail.headers.get('auto-submitted')?.trim() ?? '';
  return value === '' || /^no\s*(?:;|\(|$)/i.test(value) ? 'none' : 'auto_reply';
};
