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
  reportedId,
  saysNothing,
  softBounce,
} from './report.ts';
import { type Fields, fieldsOf, listOf, textOf } from './webhook-body.ts';

/** `type` of an event ("Event Types" in Resend's documentation); names that are not here say nothing about delivery. */
const meaningsByType: ReadonlyMap<string, Meaning> = new Map([
  ['email.sent', accepted],
  ['email.delivered', delivered],
  ['email.delivery_delayed', deferred],
  ['email.bounced', softBounce],
  ['email.suppressed', hardBounce],
  ['email.failed', failed],
  ['email.complained', complained],
]);

const meaningOf = (type: string, bounce: Fields): Meaning =>
  type === 'email.bounced' && textOf(bounce, 'type') === 'Permanent'
    ? hardBounce
    : (meaningsByType.get(type) ?? saysNothing);

/** Tags are an object in events and a list of pairs in the API; both are read. */
const tagOf = (tags: unknown, name: string): string | undefined =>
  textOf(fieldsOf(tags), name) ??
  listOf(tags)
    .map(fieldsOf)
    .flatMap((tag) => (textOf(tag, 'name') === name ? [textOf(tag, 'value')] : []))[0];

/** Headers of the mail as it was handed over; every mail of ours carries its id in X-Entity-Ref-ID. */
const headerValue = (data: Fields, name: string): string | undefined =>
  listOf(data['headers'])
    .map(fieldsOf)
    .flatMap((header) =>
      textOf(header, 'name')?.toLowerCase() === name ? [textOf(header, 'value')] : [],
    )[0];

/** The report in a body that `svix-id` and a signature came with: one or none. */
export const parseResendEvents = (body: unknown): readonly DeliveryEvent[] => {
  const { id, report } = fieldsOf(body);
  const event = fieldsOf(report);
  const data = fieldsOf(event['data']);
  const type = textOf(event, 'type') ?? '';
  if (typeof id !== 'string' || !/^[\x21-\x7e]{1,100}$/.test(id) || type === '') return [];

  const bounce = fieldsOf(data['bounce']);
  const trouble = [bounce, fieldsOf(data['failed']), fieldsOf(data['suppressed'])];
  const word = textOf(bounce, 'subType') ?? textOf(bounce, 'type');
  const said = trouble.map((fields) => textOf(fields, 'message') ?? textOf(fields, 'reason'));
  const found = eventOf({
    meaning: meaningOf(type, bounce),
    word: type,
    // The same in every retry, and unique over all events of the account ("Verify Webhooks Requests").
    id,
    messageId: ourMessageId(
      tagOf(data['tags'], 'mid'),
      headerValue(data, 'x-entity-ref-id'),
      headerValue(data, 'message-id'),
      textOf(data, 'message_id'),
    ),
    providerMessageId: reportedId(textOf(data, 'email_id')),
    occurredAt: instantOfText(textOf(event, 'created_at')),
    reason: reasonText(word, said, listOf(data['to']).map(asText)),
  });
  return found === undefined ? [] : [found];
};

const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
