import { createHash } from 'node:crypto';
import type { BounceKind, DeliveryEvent, DeliveryEventType } from '../delivery-event.ts';
import { isUuid, messageIdOfHeader } from '../message-id.ts';
import { scrubReply } from '../reply-text.ts';
import { signatureOf } from './mailgun-signature.ts';
import { type Fields, fieldsOf, textOf } from './webhook-body.ts';

interface Meaning {
  readonly type: DeliveryEventType;
  readonly bounce?: BounceKind;
}

/** What an event says by its name alone; names that are not here say nothing about delivery. */
const meaningsByEvent: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['accepted', { type: 'accepted' }],
  ['delivered', { type: 'delivered' }],
  ['complained', { type: 'complained' }],
  ['rejected', { type: 'rejected' }],
  ['failed', { type: 'bounced', bounce: 'soft' }],
  // The two names of webhooks before v3: refused by the receiving server, and no longer tried.
  ['bounced', { type: 'bounced', bounce: 'hard' }],
  ['dropped', { type: 'bounced', bounce: 'soft' }],
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
const reasonWordPattern = /^[a-z][a-z-]{0,39}$/;
/** RFC 5322 allows 998 characters in a line; ours have about 60. */
const messageIdCharsMax = 250;
const reasonCharsMax = 200;
/** The last second of the year 9999. */
const unixSecondsMax = 253_402_300_799;

const instantOf = (text: string | undefined): Date | undefined => {
  const seconds = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return seconds > 0 && seconds <= unixSecondsMax ? new Date(Math.floor(seconds * 1000)) : undefined;
};

const meaningOf = (event: Fields): Meaning => {
  const name = textOf(event, 'event') ?? '';
  const meaning = meaningsByEvent.get(name) ?? { type: 'unknown' };
  if (meaning.type !== 'bounced') return meaning;
  // Sent before each retry; without a severity nobody promises one, so the failure is final.
  if (name === 'failed' && textOf(event, 'severity') === 'temporary') return { type: 'deferred' };
  const isHard = hardReasons.has(textOf(event, 'reason') ?? '') || hardCodes.has(textOf(event, 'code') ?? '');
  return isHard ? { type: 'bounced', bounce: 'hard' } : meaning;
};

/** The reported Message-ID without brackets; it goes into a column, so only what prints is kept. */
const reportedMessageId = (event: Fields): string | undefined => {
  const headers = fieldsOf(fieldsOf(event['message'])['headers']);
  const text =
    textOf(headers, 'message-id') ?? textOf(event, 'message-id') ?? textOf(event, 'Message-Id') ?? '';
  const bare = text.trim().replace(/^<|>$/g, '');
  return /^[\x21-\x7e]+$/.test(bare) && bare.length <= messageIdCharsMax ? bare : undefined;
};

const ourMessageId = (event: Fields, reported: string | undefined): string | undefined => {
  // Before v3 the variables of a mail stood among the fields themselves.
  const carried = textOf(fieldsOf(event['user-variables']), 'mid') ?? textOf(event, 'mid') ?? '';
  if (isUuid(carried)) return carried;
  return reported === undefined ? undefined : messageIdOfHeader(reported);
};

/** Mailgun's word and the receiving server's reply, without addresses, links and tokens. */
const reasonOf = (event: Fields): string | undefined => {
  const status = fieldsOf(event['delivery-status']);
  const word = textOf(event, 'reason') ?? '';
  const isWord = reasonWordPattern.test(word);
  const reply = [
    isWord ? '' : word,
    textOf(status, 'code') ?? textOf(event, 'code') ?? '',
    textOf(status, 'message') || textOf(status, 'description') || '',
    textOf(event, 'error') || textOf(event, 'description') || '',
    textOf(fieldsOf(event['reject']), 'reason') ?? '',
  ].filter((part) => part !== '');
  const recipient = textOf(event, 'recipient') ?? '';
  const localPart = recipient.slice(0, Math.max(0, recipient.lastIndexOf('@')));
  // Whole addresses first, with their domain. Then the local part, which some servers repeat alone;
  // one or two letters are in every word and name nobody.
  const withoutAddresses = scrubReply(reply.join(' '));
  const scrubbed = localPart.length > 2 ? scrubReply(withoutAddresses, [localPart]) : withoutAddresses;
  const parts = [isWord ? word : '', scrubbed].filter((part) => part !== '');
  return parts.length === 0 ? undefined : Array.from(parts.join(': ')).slice(0, reasonCharsMax).join('');
};

/**
 * The id under which a report is known. Mailgun promises that an event's id is unique within a day
 * only ("Event Structure" in its manual), so the day belongs to it. A report without an id is known
 * by a hash of the token that was signed with it.
 */
const eventIdOf = (id: string, token: string, occurredAt: Date): string => {
  if (eventIdPattern.test(id)) return `${occurredAt.toISOString().slice(0, 10)}/${id}`;
  return `token-${createHash('sha256').update(token).digest('hex').slice(0, 40)}`;
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
  const messageId = ourMessageId(event, providerMessageId);
  const occurredAt = instantOf(textOf(event, 'timestamp')) ?? instantOf(textOf(signature, 'timestamp'));
  if (occurredAt === undefined || (messageId === undefined && providerMessageId === undefined)) return [];

  // An `id` among the older fields would be a variable of the mail's.
  const id = isV3 ? (textOf(event, 'id') ?? '') : '';
  const reason = reasonOf(event);
  return [
    {
      ...meaningOf(event),
      eventId: eventIdOf(id, textOf(signature, 'token') ?? '', occurredAt),
      ...(messageId === undefined ? {} : { messageId }),
      ...(providerMessageId === undefined ? {} : { providerMessageId }),
      occurredAt,
      ...(reason === undefined ? {} : { reason }),
    },
  ];
};
