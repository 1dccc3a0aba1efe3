import {
  type AskedMessage,
  type LookUpSettings,
  type LookUpStep,
  type ProviderLookUp,
  reportsOf,
} from './look-up.ts';
import {
  accepted,
  complained,
  deferred,
  delivered,
  eventOf,
  hardBounce,
  instantOfText,
  type Meaning,
  reasonText,
  rejected,
  reportedId,
  saysNothing,
  softBounce,
} from './report.ts';
import { hardDrops } from './sendgrid-events.ts';
import { type Fields, fieldsOf, listOf, textOf } from './webhook-body.ts';

/** `event_name` ("Email Activity" in SendGrid's API reference): other words than its webhooks use. */
const meaningsByName: ReadonlyMap<string, Meaning> = new Map([
  ['processed', accepted],
  ['deferred', deferred],
  ['delivered', delivered],
  ['bounced', softBounce],
  ['dropped', rejected],
  ['spam_report', complained],
]);

const meaningOf = (name: string, event: Fields): Meaning => {
  if (name === 'bounced' && textOf(event, 'bounce_type') === 'hard') return hardBounce;
  if (name === 'dropped' && hardDrops.has((textOf(event, 'reason') ?? '').toLowerCase())) return hardBounce;
  return meaningsByName.get(name) ?? saysNothing;
};

const stepTo = (
  path: string,
  { apiUrl, key }: LookUpSettings,
  rest: Pick<LookUpStep, 'notFound' | 'read'>,
): LookUpStep => ({
  request: { url: `${apiUrl}${path}`, headers: { authorization: `Bearer ${key.reveal()}` } },
  ...rest,
});

const messageStep = (message: AskedMessage, settings: LookUpSettings, id: string): LookUpStep =>
  stepTo(`/v3/messages/${encodeURIComponent(id)}`, settings, {
    notFound: 'unknown',
    read: (body) => {
      const found = fieldsOf(body);
      if (textOf(found, 'msg_id') !== id || !Array.isArray(found['events'])) return undefined;
      const events = listOf(found['events'])
        .map(fieldsOf)
        .map((event) => {
          const word = textOf(event, 'event_name') ?? '';
          return eventOf({
            meaning: meaningOf(word, event),
            word,
            id: { of: ['sendgrid-messages', word, textOf(event, 'attempt_num')] },
            messageId: undefined,
            providerMessageId: id,
            occurredAt: instantOfText(textOf(event, 'processed')),
            reason: reasonText(
              undefined,
              [textOf(event, 'reason') || textOf(event, 'server_response')],
              [textOf(found, 'to_email')],
            ),
          });
        });
      return { events: reportsOf(message, events) };
    },
  });

/**
 * `GET /v3/messages` and `/v3/messages/{msg_id}`, the Email Activity API, which SendGrid sells as an add-on:
 * without it the answer is 403. The search is by the argument that our id travels in.
 */
export const sendgridLookUp: ProviderLookUp = {
  apiUrl: 'https://api.sendgrid.com',
  // Six a minute, and two questions belong to a message.
  spacingMs: 20_000,
  ask: (message, settings) => {
    const query = new URLSearchParams({
      limit: '1',
      query: `(unique_args['mid']="${message.messageId}")`,
    });
    return stepTo(`/v3/messages?${query.toString()}`, settings, {
      notFound: 'refused',
      read: (body) => {
        const { messages } = fieldsOf(body);
        if (!Array.isArray(messages)) return undefined;
        const id = reportedId(textOf(fieldsOf(messages[0]), 'msg_id'));
        return { events: [], ...(id !== undefined && { next: messageStep(message, settings, id) }) };
      },
    });
  },
};
