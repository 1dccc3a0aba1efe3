import type { DeliveryEvent } from '../delivery-event.ts';
import {
  accepted,
  complained,
  deferred,
  delivered,
  eventOf,
  hardBounce,
  instantOfSeconds,
  type Meaning,
  ourMessageId,
  reasonText,
  rejected,
  reportedId,
  saysNothing,
  softBounce,
} from './report.ts';
import { type Fields, fieldsOf, listOf, textOf } from './webhook-body.ts';

/** `event` ("Event Webhook Reference" in SendGrid's documentation); names that are not here say nothing about delivery. */
const meaningsByEvent: ReadonlyMap<string, Meaning> = new Map([
  ['processed', accepted],
  ['deferred', deferred],
  ['delivered', delivered],
  ['bounce', softBounce],
  ['dropped', rejected],
  ['spamreport', complained],
]);

/** Why SendGrid itself drops a mail to a mailbox that is no use: it bounced before, or is no address. */
export const hardDrops: ReadonlySet<string> = new Set(['bounced address', 'invalid']);

const meaningOf = (event: Fields): Meaning => {
  const name = textOf(event, 'event') ?? '';
  // `blocked` is the other type of a bounce: a policy or time, and SendGrid goes on mailing the address.
  if (name === 'bounce' && textOf(event, 'type') === 'bounce') return hardBounce;
  if (name === 'dropped' && hardDrops.has((textOf(event, 'reason') ?? '').toLowerCase())) return hardBounce;
  return meaningsByEvent.get(name) ?? saysNothing;
};

const parseOne = (event: Fields): DeliveryEvent | undefined => {
  const name = textOf(event, 'event') ?? '';
  if (name === '') return undefined;
  const smtpId = reportedId(textOf(event, 'smtp-id'));
  return eventOf({
    meaning: meaningOf(event),
    word: name,
    // A retry can carry another `sg_event_id`, so that is not what the event is known by.
    id: { of: ['sendgrid', name, textOf(event, 'type'), textOf(event, 'attempt'), textOf(event, 'status')] },
    // `unique_args` of X-SMTPAPI stand among the fields themselves.
    messageId: ourMessageId(textOf(event, 'mid'), smtpId),
    providerMessageId: smtpId ?? reportedId(textOf(event, 'sg_message_id')),
    occurredAt: instantOfSeconds(Number(textOf(event, 'timestamp') || Number.NaN)),
    reason: reasonText(
      textOf(event, 'bounce_classification'),
      [textOf(event, 'status'), textOf(event, 'reason'), textOf(event, 'response')],
      [textOf(event, 'email')],
    ),
  });
};

/** The reports of a batch, in its order; those that name no message are left out. */
export const parseSendgridEvents = (body: unknown): readonly DeliveryEvent[] =>
  listOf(body).flatMap((event) => parseOne(fieldsOf(event)) ?? []);
