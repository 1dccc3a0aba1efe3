import { basicAuthorization, type ProviderLookUp, reportsOf } from './look-up.ts';
import { parseMailgunEvents } from './mailgun-events.ts';
import { fieldsOf } from './webhook-body.ts';

/** More than one message ever has: a few attempts and what became of it. */
const eventsMax = 100;

/**
 * `GET /v3/{domain}/events` ("Events" in Mailgun's API reference), which keeps events for three days and more.
 * Its items are what a webhook carries as `event-data`, under the same ids, so what was looked up and is
 * reported later counts once. The page calls the API deprecated in favour of `POST /v1/analytics/logs`,
 * whose items have no such ids. `accountId` is the sending domain.
 */
export const mailgunLookUp: ProviderLookUp = {
  apiUrl: 'https://api.mailgun.net',
  // No figure is documented for this API; five a second is below every one that is.
  spacingMs: 200,
  ask: (message, { apiUrl, accountId, key }) => {
    const query = new URLSearchParams({
      'message-id': message.messageIdHeader.replace(/^<|>$/g, ''),
      limit: String(eventsMax),
    });
    return {
      request: {
        url: `${apiUrl}/v3/${encodeURIComponent(accountId)}/events?${query.toString()}`,
        headers: { authorization: basicAuthorization('api', key.reveal()) },
      },
      notFound: 'refused',
      read: (body) => {
        const { items } = fieldsOf(body);
        if (!Array.isArray(items)) return undefined;
        const events = items.flatMap((item: unknown) => parseMailgunEvents({ 'event-data': item }));
        return { events: reportsOf(message, events) };
      },
    };
  },
};
