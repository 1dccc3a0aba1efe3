import { type ProviderLookUp, reportsOf } from './look-up.ts';
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
import { fieldsOf, listOf, textOf } from './webhook-body.ts';

/** `event` ("Get all your transactional email activity" in Brevo's API reference): other words than its webhooks use. */
const meaningsByEvent: ReadonlyMap<string, Meaning> = new Map([
  ['requests', accepted],
  ['delivered', delivered],
  ['deferred', deferred],
  ['hardBounces', hardBounce],
  ['invalid', hardBounce],
  ['softBounces', softBounce],
  ['bounces', softBounce],
  ['blocked', rejected],
  ['error', failed],
  ['spam', complained],
]);

/** `GET /v3/smtp/statistics/events?messageId=…`. It gives no id of an event. */
export const brevoLookUp: ProviderLookUp = {
  apiUrl: 'https://api.brevo.com',
  // 300 an hour for this address ("API rate limits"), shared by all workers.
  spacingMs: 12_000,
  ask: (message, { apiUrl, key }) => {
    const query = new URLSearchParams({ messageId: message.messageIdHeader, limit: '100', sort: 'asc' });
    return {
      request: {
        url: `${apiUrl}/v3/smtp/statistics/events?${query.toString()}`,
        headers: { 'api-key': key.reveal(), accept: 'application/json' },
      },
      notFound: 'refused',
      read: (body) => {
        // Without a match the list is left out.
        if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
        const { events = [] } = fieldsOf(body);
        if (!Array.isArray(events)) return undefined;
        const found = listOf(events)
          .map(fieldsOf)
          .map((event) => {
            const word = textOf(event, 'event') ?? '';
            const providerMessageId = reportedId(textOf(event, 'messageId'));
            return eventOf({
              meaning: meaningsByEvent.get(word) ?? saysNothing,
              word,
              id: { of: ['brevo-events', word] },
              messageId: ourMessageId(providerMessageId),
              providerMessageId,
              occurredAt: instantOfText(textOf(event, 'date')),
              reason: reasonText(undefined, [textOf(event, 'reason')], [textOf(event, 'email')]),
            });
          });
        return { events: reportsOf(message, found) };
      },
    };
  },
};
