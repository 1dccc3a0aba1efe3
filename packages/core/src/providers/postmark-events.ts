import type { DeliveryEvent } from '../delivery-event.ts';
import {
  complained,
  deferred,
  delivered,
  eventOf,
  failed,
  type Found,
  hardBounce,
  instantOfText,
  type Meaning,
  ourMessageId,
  reasonText,
  reportedId,
  saysNothing,
  softBounce,
} from './report.ts';
import { type Fields, fieldsOf, textOf } from './webhook-body.ts';

/** `RecordType` ("Webhooks overview" in Postmark's documentation); a bounce is told by its type instead. */
const meaningsByRecord: ReadonlyMap<string, Meaning> = new Map([
  ['Delivery', delivered],
  ['SpamComplaint', complained],
]);

/** `Type` of a bounce ("Bounce types"). All that are not here are refusals that may pass another time. */
const meaningsByBounce: ReadonlyMap<string, Meaning> = new Map([
  ['HardBounce', hardBounce],
  ['BadEmailAddress', hardBounce],
  ['ManuallyDeactivated', hardBounce],
  // Postmark goes on trying.
  ['Transient', deferred],
  ['DnsError', deferred],
  // Answers by a machine, or of a person: the mail itself arrived or may still.
  ['AutoResponder', saysNothing],
  ['AddressChange', saysNothing],
  ['ChallengeVerification', saysNothing],
  ['OpenRelayTest', saysNothing],
  ['Subscribe', saysNothing],
  ['Unsubscribe', saysNothing],
  ['SpamComplaint', complained],
  // Never handed over: Postmark could not make a mail of it.
  ['SMTPApiError', failed],
  ['TemplateRenderingFailed', failed],
]);

const meaningOf = (record: string, event: Fields): Meaning => {
  if (record === 'Bounce') return meaningsByBounce.get(textOf(event, 'Type') ?? '') ?? softBounce;
  return meaningsByRecord.get(record) ?? saysNothing;
};

/**
 * Bounces and complaints have an `ID`. A delivery has none, but there is one of a message, and asking for the
 * message tells of the same one, whose time and words need not be spelled alike.
 */
const idOf = (record: string, event: Fields): Found['id'] => {
  const message = reportedId(textOf(event, 'MessageID'));
  return record === 'Delivery' && message !== undefined
    ? `${message}/Delivery`
    : { of: ['postmark', record, textOf(event, 'Type'), textOf(event, 'ID')] };
};

/** The report in a verified body: one or none. */
export const parsePostmarkEvents = (body: unknown): readonly DeliveryEvent[] => {
  const event = fieldsOf(body);
  const record = textOf(event, 'RecordType') ?? '';
  if (record === '') return [];
  const type = textOf(event, 'Type');
  const found = eventOf({
    meaning: meaningOf(record, event),
    word: record,
    id: idOf(record, event),
    messageId: ourMessageId(textOf(fieldsOf(event['Metadata']), 'mid')),
    providerMessageId: reportedId(textOf(event, 'MessageID')),
    occurredAt: ['DeliveredAt', 'BouncedAt', 'ReceivedAt', 'ChangedAt']
      .map((name) => instantOfText(textOf(event, name)))
      .find((instant) => instant !== undefined),
    reason: reasonText(
      type ?? textOf(event, 'SuppressionReason'),
      [textOf(event, 'Details') || textOf(event, 'Description')],
      [textOf(event, 'Email'), textOf(event, 'Recipient')],
    ),
  });
  return found === undefined ? [] : [found];
};
