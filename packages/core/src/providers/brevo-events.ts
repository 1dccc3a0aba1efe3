import type { DeliveryEvent } from '../delivery-event.ts';
import {
  accepted,
  complained,
  deferred,
  delivered,
  eventOf,
  failed,
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
import { type Fields, fieldsOf, textOf } from './webhook-body.ts';

/** How our id stands in X-Mailin-custom, which comes back word for word. */
export const customPrefix = 'mid:';

/** `event` ("Transactional webhooks" in Brevo's documentation); names that are not here say nothing about delivery. */
const meaningsByEvent: ReadonlyMap<string, Meaning> = new Map([
  ['request', accepted],
  ['sent', accepted],
  ['delivered', delivered],
  ['deferred', deferred],
  ['hard_bounce', hardBounce],
  ['invalid_email', hardBounce],
  ['soft_bounce', softBounce],
  ['blocked', rejected],
  ['error', failed],
  ['spam', complained],
  ['complaint', complained],
]);

/** Milliseconds, though some examples hold seconds: no mail is older than 1973, which is 1e11 ms. */
const instantOf = (event: Fields): Date | undefined => {
  const epoch = Number(textOf(event, 'ts_epoch') || Number.NaN);
  const seconds = epoch >= 1e11 ? epoch / 1000 : epoch;
  return instantOfSeconds(seconds) ?? instantOfSeconds(Number(textOf(event, 'ts_event') || Number.NaN));
};

const carriedId = (event: Fields): string | undefined => {
  const custom = textOf(event, 'X-Mailin-custom') ?? '';
  return custom.startsWith(customPrefix) ? custom.slice(customPrefix.length) : undefined;
};

const parseOne = (event: Fields): DeliveryEvent | undefined => {
  const name = textOf(event, 'event') ?? '';
  if (name === '') return undefined;
  const providerMessageId = reportedId(textOf(event, 'message-id'));
  return eventOf({
    meaning: meaningsByEvent.get(name) ?? saysNothing,
    word: name,
    // `id` is the webhook's, the same in all of its events.
    id: { of: ['brevo', name] },
    messageId: ourMessageId(carriedId(event), providerMessageId),
    providerMessageId,
    occurredAt: instantOf(event),
    reason: reasonText(undefined, [textOf(event, 'reason')], [textOf(event, 'email')]),
  });
};

/** The reports in a verified body, one or a batch ("Batched webhooks"); those that name no message are left out. */
export const parseBrevoEvents = (body: unknown): readonly DeliveryEvent[] =>
  (Array.isArray(body) ? body : [body]).flatMap((event) => parseOne(fieldsOf(event)) ?? []);
