import {
  type AskedMessage,
  type LookUpSettings,
  type LookUpStep,
  type ProviderLookUp,
  reportsOf,
} from './look-up.ts';
import { parsePostmarkEvents } from './postmark-events.ts';
import { accepted, eventOf, instantOfText, reportedId } from './report.ts';
import { type Fields, fieldsOf, listOf, textOf } from './webhook-body.ts';

/*
 * Three questions ("Messages API" and "Bounce API" in Postmark's documentation): the search by our metadata
 * gives Postmark's id, the message its deliveries and delays, and a bounce has to be asked for by its own
 * number, because the message does not say of which type it is.
 */

const stepTo = (
  path: string,
  { apiUrl, key }: LookUpSettings,
  rest: Pick<LookUpStep, 'notFound' | 'read'>,
): LookUpStep => ({
  request: {
    url: `${apiUrl}${path}`,
    headers: { 'x-postmark-server-token': key.reveal(), accept: 'application/json' },
  },
  ...rest,
});

/** An entry of `MessageEvents` in the words of the webhook that says the same; null for others. */
const asReport = (id: string, entry: Fields): Fields | null => {
  const details = fieldsOf(entry['Details']);
  const at = textOf(entry, 'ReceivedAt');
  switch (textOf(entry, 'Type') ?? '') {
    case 'Delivered':
      return {
        RecordType: 'Delivery',
        MessageID: id,
        DeliveredAt: at,
        Recipient: entry['Recipient'],
        Details: textOf(details, 'DeliveryMessage'),
      };
    case 'Transient':
      return {
        RecordType: 'Bounce',
        Type: 'Transient',
        MessageID: id,
        BouncedAt: at,
        Email: entry['Recipient'],
        Details: textOf(details, 'Summary'),
      };
    default:
      return null;
  }
};

const bounceStep = (message: AskedMessage, settings: LookUpSettings, number: string): LookUpStep =>
  stepTo(`/bounces/${number}`, settings, {
    notFound: 'unknown',
    read: (body) => {
      const bounce = fieldsOf(body);
      if (textOf(bounce, 'MessageID') === undefined) return undefined;
      return { events: reportsOf(message, parsePostmarkEvents({ ...bounce, RecordType: 'Bounce' })) };
    },
  });

const detailsStep = (message: AskedMessage, settings: LookUpSettings, id: string): LookUpStep =>
  stepTo(`/messages/outbound/${id}/details`, settings, {
    notFound: 'unknown',
    read: (body) => {
      const details = fieldsOf(body);
      if (textOf(details, 'MessageID') !== id) return undefined;
      const entries = listOf(details['MessageEvents']).map(fieldsOf);
      const taken = eventOf({
        meaning: accepted,
        word: 'Processed',
        id: { of: ['postmark', 'Processed'] },
        messageId: undefined,
        providerMessageId: id,
        occurredAt: instantOfText(textOf(details, 'ReceivedAt')),
        reason: undefined,
      });
      const reported = entries.flatMap((entry) => parsePostmarkEvents(asReport(id, entry)));
      const number = entries
        .filter((entry) => textOf(entry, 'Type') === 'Bounced')
        .map((entry) => textOf(fieldsOf(entry['Details']), 'BounceID'))
        .findLast((bounce) => bounce !== undefined && /^\d{1,20}$/.test(bounce));
      return {
        events: reportsOf(message, [taken, ...reported]),
        ...(number !== undefined && { next: bounceStep(message, settings, number) }),
      };
    },
  });

export const postmarkLookUp: ProviderLookUp = {
  apiUrl: 'https://api.postmarkapp.com',
  // No figure is documented; three questions belong to a message.
  spacingMs: 500,
  ask: (message, settings) => {
    const query = new URLSearchParams({ count: '1', offset: '0', metadata_mid: message.messageId });
    return stepTo(`/messages/outbound?${query.toString()}`, settings, {
      notFound: 'refused',
      read: (body) => {
        const { Messages: messages } = fieldsOf(body);
        if (!Array.isArray(messages)) return undefined;
        const id = reportedId(textOf(fieldsOf(messages[0]), 'MessageID'));
        if (id === undefined) return { events: [] };
        if (!/^[A-Za-z0-9-]+$/.test(id)) return undefined;
        return { events: [], next: detailsStep(message, settings, id) };
      },
    });
  },
};
