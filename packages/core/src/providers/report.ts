import type { BounceKind, DeliveryEvent, DeliveryEventType } from '../delivery-event.ts';
import { isUuid, messageIdOfHeader } from '../message-id.ts';
import { scrubReply } from '../reply-text.ts';
import { sha256 } from './digest.ts';

/** What a provider's word for an event means. */
export interface Meaning {
  readonly type: DeliveryEventType;
  readonly bounce?: BounceKind;
}

/** Meanings of words that any provider could use. */
export const accepted: Meaning = { type: 'accepted' };
export const deferred: Meaning = { type: 'deferred' };
export const delivered: Meaning = { type: 'delivered' };
export const hardBounce: Meaning = { type: 'bounced', bounce: 'hard' };
export const softBounce: Meaning = { type: 'bounced', bounce: 'soft' };
export const rejected: Meaning = { type: 'rejected' };
export const failed: Meaning = { type: 'failed' };
export const complained: Meaning = { type: 'complained' };
export const saysNothing: Meaning = { type: 'unknown' };

const reasonCharsMax = 200;
/** RFC 5322 allows 998 characters in a line; ours have about 60. */
const idCharsMax = 250;
/** The last second of the year 9999. */
const unixSecondsMax = 253_402_300_799;
/**
 * A word of a provider's own list: `suppress-bounce`, `reached_daily_quota`, `OnAccountSuppressionList`,
 * `Invalid Address`. Letters in the runs of a language, so no token passes for one.
 */
const wordPattern = /^(?:[a-z][a-z_-]{0,39}|(?:[A-Z]{1,6}[a-z]{1,20} ?){1,6})$/;

/** Unix seconds, with a fraction or not, as an instant; undefined for anything else. */
export const instantOfSeconds = (seconds: number): Date | undefined =>
  seconds > 0 && seconds <= unixSecondsMax ? new Date(Math.floor(seconds * 1000)) : undefined;

/**
 * An ISO 8601 text as an instant; undefined for anything else. Postmark writes seven digits of a
 * second; a time without a zone would be read as the host's own.
 */
export const instantOfText = (text: string | undefined): Date | undefined => {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT[0-9:.]{5,24}(?:Z|[+-]\d\d:?\d\d)$/.test(text))
    return undefined;
  const ms = Date.parse(text);
  return Number.isFinite(ms) && ms > 0 ? new Date(ms) : undefined;
};

/** An id that goes into a column: what prints, without the brackets of a Message-ID; else undefined. */
export const reportedId = (text: string | undefined): string | undefined => {
  const bare = (text ?? '').trim().replace(/^<|>$/g, '');
  return /^[\x21-\x7e]+$/.test(bare) && bare.length <= idCharsMax ? bare : undefined;
};

/** The first of the texts that is our id, or is a Message-ID of ours. */
export const ourMessageId = (...candidates: readonly (string | undefined)[]): string | undefined => {
  for (const text of candidates) {
    if (text === undefined || text.length > idCharsMax) continue;
    const id = isUuid(text) ? text : messageIdOfHeader(text);
    if (id !== undefined) return id;
  }
  return undefined;
};

/**
 * A provider's word and what the receiving server said, without addresses, links and tokens, at most
 * 200 characters; undefined when nothing is left. `recipients` are addresses whose local part some servers repeat alone.
 */
export const reasonText = (
  word: string | undefined,
  said: readonly (string | undefined)[],
  recipients: readonly (string | undefined)[],
): string | undefined => {
  // One or two letters are in every word and name nobody.
  const names = recipients
    .map((address = '') => address.slice(0, Math.max(0, address.lastIndexOf('@'))))
    .filter((name) => name.length > 2);
  const isWord = word !== undefined && wordPattern.test(word) && !names.some((name) => word.includes(name));
  const reply = [isWord ? '' : word, ...said].filter((part) => part !== undefined && part !== '').join(' ');
  // Whole addresses first, with their domain, then what is left of their names.
  const withoutAddresses = scrubReply(reply);
  const scrubbed = names.length > 0 ? scrubReply(withoutAddresses, names) : withoutAddresses;
  const parts = [isWord ? word : '', scrubbed].filter((part) => part !== '');
  return parts.length === 0 ? undefined : Array.from(parts.join(': ')).slice(0, reasonCharsMax).join('');
};

/** What a provider's module found in one report. */
export interface Found {
  readonly meaning: Meaning;
  /** The provider's name for it: kept as the reason of a report that says nothing about delivery. */
  readonly word: string;
  readonly messageId: string | undefined;
  readonly providerMessageId: string | undefined;
  readonly occurredAt: Date | undefined;
  readonly reason: string | undefined;
  /**
   * The provider's id of the report where it is the same in every retry; else what names it beside
   * its message, time and reason: the provider's own word for what happened, and numbers of its own.
   */
  readonly id: string | { readonly of: readonly (string | undefined)[] };
}

/**
 * The event, or undefined when the report names no message or no time.
 *
 * An id that is made here stands for message, time, reason and the provider's own words, so the same
 * report sent 50 times is one event, whatever ids each copy carries. The recipient is not in it: a
 * message of ours has one, and a hash of an address without a key would let a reader of the table try addresses.
 */
export const eventOf = (found: Found): DeliveryEvent | undefined => {
  const { messageId, providerMessageId, occurredAt, id } = found;
  const reason =
    found.reason ?? (found.meaning.type === 'unknown' ? reasonText(found.word, [], []) : undefined);
  if (occurredAt === undefined || (messageId === undefined && providerMessageId === undefined))
    return undefined;
  const parts = [providerMessageId ?? messageId, occurredAt.toISOString(), reason];
  const made = typeof id === 'string' ? id : sha256(JSON.stringify([...id.of, ...parts])).toString('hex');
  return {
    ...found.meaning,
    eventId: typeof id === 'string' ? id : `made-${made.slice(0, 40)}`,
    ...(messageId !== undefined && { messageId }),
    ...(providerMessageId !== undefined && { providerMessageId }),
    occurredAt,
    ...(reason !== undefined && { reason }),
  };
};
