import PostalMime, { type Address, type Email } from 'postal-mime';
import type { StoredMessage } from './message-store.ts';

export type Mailbox = { name: string; address: string };

export type MessageSummary = StoredMessage & { from: Mailbox | null; to: Mailbox[]; subject: string };

export type ReadMessage = MessageSummary & {
  text: string | null;
  html: string | null;
  /** In the order of the message, repeated ones included; names in lower case. */
  headers: { name: string; value: string }[];
  /** Every http and https address of the HTML's links, then of the text, each once. */
  links: string[];
  /** The digits that stand alone on a line of the text, or at its end after a `#`; null without any. */
  code: string | null;
};

/** Parses a received message. What cannot be parsed comes out empty, so that it can still be looked at raw. */
export const readMessage = async (stored: StoredMessage, raw: Uint8Array): Promise<ReadMessage> =>
  stored.channel === 'sms' ? readSms(stored, raw) : readMail(stored, raw);

/** Kept as it came in: the text and nothing else. */
const readSms = (stored: StoredMessage, raw: Uint8Array): ReadMessage => {
  const text = new TextDecoder().decode(raw);
  const mailbox = (address: string): Mailbox => ({ name: '', address });
  return {
    ...stored,
    from: stored.envelope.from === '' ? null : mailbox(stored.envelope.from),
    to: stored.envelope.to.map(mailbox),
    subject: text.split('\n', 1)[0] ?? '',
    text,
    html: null,
    headers: [],
    links: linksOfText(text),
    code: codeOfText(text),
  };
};

const codeOfText = (text: string): string | null =>
  /^\s*(\d{4,8})\s*$/m.exec(text)?.[1] ?? /^@\S+ #(\d{4,8})\s*$/m.exec(text)?.[1] ?? null;

const readMail = async (stored: StoredMessage, raw: Uint8Array): Promise<ReadMessage> => {
  const email = await parse(raw);
  const text = email?.text ?? null;
  const html = email?.html ?? null;
  return {
    ...stored,
    from: mailboxes(email?.from === undefined ? [] : [email.from])[0] ?? null,
    to: mailboxes(email?.to ?? []),
    subject: email?.subject ?? '',
    text,
    html,
    headers: (email?.headers ?? []).map(({ key, value }) => ({ name: key, value })),
    links: [...new Set([...linksOfHtml(html ?? ''), ...linksOfText(text ?? '')])],
    code: codeOfText(text ?? ''),
  };
};

const parse = async (raw: Uint8Array): Promise<Email | undefined> => {
  try {
    return await PostalMime.parse(raw);
  } catch {
    // The library's limits on nesting and headers: hostile or broken, and shown raw.
    return undefined;
  }
};

const mailboxes = (addresses: readonly Address[]): Mailbox[] =>
  addresses
    .flatMap((address) => address.group ?? [address])
    .map(({ name, address }) => ({ name, address: address ?? '' }));

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const decodeEntities = (text: string): string =>
  text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi,
    (all, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? all;
      const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return point <= 0x10ffff ? String.fromCodePoint(point) : all;
    },
  );

const linksOfHtml = (html: string): string[] =>
  [...html.matchAll(/\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi)]
    .map(([, double, single, bare]) => decodeEntities(double ?? single ?? bare ?? '').trim())
    .filter((link) => /^https?:\/\//i.test(link));

// The end of a sentence or a closing bracket is not part of a link that stands in running text.
const linksOfText = (text: string): string[] =>
  [...text.matchAll(/https?:\/\/[^\s<>"]+/gi)].map(([link]) => link.replace(/[.,;:!?)\]}']+$/, ''));
