import type { DeliveryEvent } from '../delivery-event.ts';
import {
  accepted,
  complained,
  deferred,
  delivered,
  eventOf,
  failed,
  hardBounce,
  instantOfText,
  type Meaning,
  ourMessageId,
  reasonText,
  rejected,
  reportedId,
  saysNothing,
  softBounce,
} from './report.ts';
import { type Fields, fieldsOf, listOf, textOf } from './webhook-body.ts';

/** `eventType` of a configuration set's events, `notificationType` of an identity's ("Contents of event data"). */
const meaningsByType: ReadonlyMap<string, Meaning> = new Map([
  ['Send', accepted],
  ['Delivery', delivered],
  ['DeliveryDelay', deferred],
  ['Bounce', softBounce],
  ['Complaint', complained],
  ['Reject', rejected],
  ['Rendering Failure', failed],
]);

/** Subtypes of a permanent bounce that say something about the mailbox; others are about our own set-up. */
const hardSubtypes: ReadonlySet<string> = new Set([
  'General',
  'NoEmail',
  'Suppressed',
  'OnAccountSuppressionList',
]);

/** The part of an event that is named after it, and holds its time and words. */
const partNames: ReadonlyMap<string, string> = new Map([
  ['Delivery', 'delivery'],
  ['DeliveryDelay', 'deliveryDelay'],
  ['Bounce', 'bounce'],
  ['Complaint', 'complaint'],
  ['Reject', 'reject'],
  ['Rendering Failure', 'failure'],
  ['Open', 'open'],
  ['Click', 'click'],
  ['Subscription', 'subscription'],
]);

const meaningOf = (type: string, part: Fields): Meaning => {
  const isPermanent = textOf(part, 'bounceType') === 'Permanent';
  if (type === 'Bounce' && isPermanent && hardSubtypes.has(textOf(part, 'bounceSubType') ?? ''))
    return hardBounce;
  // A person who takes the mail back out of the spam folder.
  if (type === 'Complaint' && textOf(part, 'complaintFeedbackType') === 'not-spam') return saysNothing;
  return meaningsByType.get(type) ?? saysNothing;
};

const headerValue = (mail: Fields, name: string): string | undefined =>
  listOf(mail['headers'])
    .map(fieldsOf)
    .flatMap((header) =>
      textOf(header, 'name')?.toLowerCase() === name ? [textOf(header, 'value')] : [],
    )[0];

const firstText = (value: unknown): string | undefined => {
  const first = Array.isArray(value) ? (value as readonly unknown[])[0] : value;
  return typeof first === 'string' ? first : undefined;
};

/** SES replaces the Message-ID: its own is the id at `email` in us-east-1, else at the region, .amazonses.com. */
const sesMessageId = (mail: Fields): string | undefined => {
  const id = reportedId(textOf(mail, 'messageId'));
  const region = /^arn:[a-z-]{1,20}:ses:([a-z0-9-]{1,40}):/.exec(textOf(mail, 'sourceArn') ?? '')?.[1];
  if (id === undefined || region === undefined) return id;
  // With brackets: so the SMTP client reads it out of the server's reply.
  return `<${id}@${region === 'us-east-1' ? 'email' : region}.amazonses.com>`;
};

const recipientsOf = (part: Fields, mail: Fields): readonly Fields[] => [
  ...['bouncedRecipients', 'complainedRecipients', 'delayedRecipients'].flatMap((name) =>
    listOf(part[name]).map(fieldsOf),
  ),
  ...[...listOf(mail['destination']), ...listOf(part['recipients'])].flatMap((address) =>
    typeof address === 'string' ? [{ emailAddress: address }] : [],
  ),
];

/** The report in a verified notification: one or none. */
export const parseSesEvents = (body: unknown): readonly DeliveryEvent[] => {
  const { id, message } = fieldsOf(body);
  const event = fieldsOf(message);
  const type = textOf(event, 'eventType') ?? textOf(event, 'notificationType') ?? '';
  if (typeof id !== 'string' || !/^[\x21-\x7e]{1,100}$/.test(id) || type === '') return [];

  const mail = fieldsOf(event['mail']);
  const part = fieldsOf(event[partNames.get(type) ?? '']);
  const recipients = recipientsOf(part, mail);
  const word = textOf(part, 'bounceSubType') ?? textOf(part, 'complaintFeedbackType');
  const diagnostics = recipients.map((recipient) => textOf(recipient, 'diagnosticCode'));
  const found = eventOf({
    meaning: meaningOf(type, part),
    word: type,
    // "For a notification that Amazon SNS resends during a retry, the message ID of the original message is used."
    id,
    messageId: ourMessageId(
      firstText(fieldsOf(mail['tags'])['mid']),
      headerValue(mail, 'message-id'),
      textOf(fieldsOf(mail['commonHeaders']), 'messageId'),
    ),
    providerMessageId: sesMessageId(mail),
    occurredAt: instantOfText(textOf(part, 'timestamp')) ?? instantOfText(textOf(mail, 'timestamp')),
    reason: reasonText(
      word ?? textOf(part, 'delayType') ?? textOf(part, 'reason'),
      [
        textOf(part, 'bounceType'),
        ...diagnostics.slice(0, 1),
        textOf(part, 'smtpResponse'),
        textOf(part, 'errorMessage'),
      ],
      recipients.slice(0, 10).map((recipient) => textOf(recipient, 'emailAddress')),
    ),
  });
  return found === undefined ? [] : [found];
};
