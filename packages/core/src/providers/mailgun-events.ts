import type { DeliveryEvent } from '../delivery-event.ts';
import { sha256 } from './digest.ts';
import { signatureOf } from './mailgun-signature.ts';
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
import { type Fields, fieldsOf, textOf } from './webhook-body.ts';

/** What an event says by its name alone; names that are not here say nothing about delivery. */
const meaningsByEvent: ReadonlyMap<string, Meaning> = new Map([
  ['accepted', accepted],
  ['delivered', delivered],
  ['complained', complained],
  ['rejected', rejected],
  ['failed', softBounce],
  // The two names of webhooks before v3: refused by the receiving server, and no longer tried.
  ['bounced', hardBounce],
  ['dropped', softBounce],
]);

/**
 * Reasons after which Mailgun itself carries nothing to that mailbox any more. All others (`generic`,
 * `old`, `espblock`, …) are about a policy, a full mailbox or time, and may pass.
 */
const hardReasons: ReadonlySet<string> = new Set(['bounce', 'suppress-bounce', 'suppress-complaint']);

/** The same in the codes of the older webhooks: not carried, for an earlier bounce or complaint. */
const hardCodes: ReadonlySet<string> = new Set(['605', '607']);

/** Mailgun's own ids have 22 characters; anything else that prints and is short is taken as well. */
const eventIdPattern = /^[\x21-\x7e]{1,100}$/;

const meaningOf = (event: Fields): Meaning => {
  const name = textOf(event, 'event') ?? '';
  const meaning = meaningsByEvent.get(name) ?? saysNothing;
  if (meaning.type !== 'bounced') return meaning;
  // Sent before each retry; without a severity nobody promises one, so the failure is final.
  if (name === 'failed' && textOf(event, 'severity') === 'temporary') return deferred;
  const isHard = hardReasons.has(textOf(event, 'reason') ?? '') || hardCodes.has(textOf(event, 'code') ?? '');
  return isHard ? hardBounce : meaning;
};

const reportedMessageId = (event: Fields): string | undefined => {
  const headers = fieldsOf(fieldsOf(event['message'])['headers']);
  return reportedId(
    textOf(headers, 'message-id') ?? textOf(event, 'message-id') ?? textOf(event, 'Message-Id'),
  );
};

/** Before v3 the variables of a mail stood among the fields themselves. */
const carriedId = (event: Fields): string | undefined =>
  textOf(fieldsOf(event['user-variables']), 'mid') ?? textOf(event, 'mid');

const instantOf = (fields: Fields): Date | undefined =>
  instantOfSeconds(Number(textOf(fields, 'timestamp') || Number.NaN));

/** Mailgun's word and the receiving server's reply. */
const reasonOf = (event: Fields): string | undefined => {
  const status = fieldsOf(event['delivery-status']);
  return reasonText(
    textOf(event, 'reason'),
    [
      textOf(status, 'code') ?? textOf(event, 'code'),
      textOf(status, 'message') || textOf(status, 'description'),
      textOf(event, 'error') || textOf(event, 'description'),
      textOf(fieldsOf(event['reject']), 'reason'),
    ],
    [textOf(event, 'recipient')],
  );
};

/**
 * The id under which a report is known. Mailgun promises that an event's id is unique within a day
 * only ("Event Structure" in its manual), so the day belongs to it. A report without an id is known
 * by a hash of the token that was signed with it.
 */
const eventIdOf = (id: string, token: string, occurredAt: Date): string => {
  if (eventIdPattern.test(id)) return `${occurredAt.toISOString().slice(0, 10)}/${id}`;
  return `token-${sha256(token).toString('hex').slice(0, 40)}`;
};

/**
 * The report in a body whose signature was verified, v3 or older: one or none. None when it names no
 * message at all or no time.
 */
export const parseMailgunEvents = (body: unknown): readonly DeliveryEvent[] => {
  const fields = fieldsOf(body);
  const signature = signatureOf(fields);
  const isV3 = Object.hasOwn(fields, 'event-data');
  const event = isV3 ? fieldsOf(fields['event-data']) : fields;
  if ((textOf(event, 'event') ?? '') === '') return [];

  const providerMessageId = reportedMessageId(event);
  const occurredAt = instantOf(event) ?? instantOf(signature);
  if (occurredAt === undefined) return [];

  // An `id` among the older fields would be a variable of the mail's.
  const id = isV3 ? (textOf(event, 'id') ?? '') : '';
  const found = eventOf({
    meaning: meaningOf(event),
    word: textOf(event, 'event') ?? '',
    id: eventIdOf(id, textOf(signature, 'token') ?? '', occurredAt),
    messageId: ourMessageId(carriedId(event), providerMessageId),
    providerMessageId,
    occurredAt,
    reason: reasonOf(event),
  });
  return found === undefined ? [] : [found];
};
