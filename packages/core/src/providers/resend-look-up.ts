import { isUuid } from '../message-id.ts';
import { type ProviderLookUp, reportsOf } from './look-up.ts';
import {
  accepted,
  complained,
  deferred,
  delivered,
  eventOf,
  failed,
  hardBounce,
  type Meaning,
  saysNothing,
  softBounce,
} from './report.ts';
import { fieldsOf, textOf } from './webhook-body.ts';

/**
 * `last_event` ("Retrieve Sent Email" in Resend's API reference). What was opened was delivered; of a bounce
 * it is not said here whether it is permanent, and nobody is suppressed for what is not said.
 */
const meaningsByLastEvent: ReadonlyMap<string, Meaning> = new Map([
  ['queued', accepted],
  ['scheduled', accepted],
  ['sent', accepted],
  ['delivery_delayed', deferred],
  ['delivered', delivered],
  ['opened', delivered],
  ['clicked', delivered],
  ['bounced', softBounce],
  ['suppressed', hardBounce],
  ['failed', failed],
  ['canceled', failed],
  ['complained', complained],
]);

/**
 * `GET /emails/{id}`. The id is Resend's own: over SMTP it is known by the first report only, so a message
 * of which nothing came at all cannot be asked about. The answer holds the whole mail with its link: all but
 * `last_event` is dropped unread. It says neither a time nor an id of the event, so both are made.
 */
export const resendLookUp: ProviderLookUp = {
  apiUrl: 'https://api.resend.com',
  // Two requests a second for a whole team, by default ("Rate limit").
  spacingMs: 1000,
  ask: (message, { apiUrl, key }) => {
    const id = message.providerMessageId ?? '';
    if (!isUuid(id)) return null;
    return {
      request: { url: `${apiUrl}/emails/${id}`, headers: { authorization: `Bearer ${key.reveal()}` } },
      notFound: 'unknown',
      read: (body) => {
        const email = fieldsOf(body);
        const last = textOf(email, 'last_event');
        if (last === undefined || textOf(email, 'id') !== id) return undefined;
        const event = eventOf({
          meaning: meaningsByLastEvent.get(last) ?? saysNothing,
          word: last,
          id: `asked-${id}-${last.slice(0, 40)}`,
          messageId: undefined,
          providerMessageId: id,
          occurredAt: message.now,
          reason: undefined,
        });
        return { events: reportsOf(message, [event]) };
      },
    };
  },
};
