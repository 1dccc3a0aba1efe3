import { EventEmitter } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isNotFound } from '../stack-error.ts';

/** What the SMTP client said, as opposed to what the message's own headers claim. */
export type Envelope = { from: string; to: string[] };

export type InboxChannel = 'email' | 'sms';

export type StoredMessage = {
  /** Sorts by arrival, also across restarts. */
  id: string;
  channel: InboxChannel;
  receivedAt: string;
  sizeBytes: number;
  envelope: Envelope;
};

export type MessageFilter = {
  /** One envelope recipient: an address, compared without regard to case, or a number in any spelling. */
  to?: string | undefined;
  /** A message id (later ones only) or an instant (that one and later). */
  after?: string | undefined;
};

export type MessageStore = {
  add(envelope: Envelope, raw: Uint8Array, channel?: InboxChannel): Promise<StoredMessage>;
  /** In order of arrival. Throws RangeError for an `after` that is neither an id nor an instant. */
  list(filter?: MessageFilter): StoredMessage[];
  get(id: string): StoredMessage | undefined;
  raw(id: string): Promise<Uint8Array | undefined>;
  /** The earliest message that passes the filter: at once if there is one, or as soon as it arrives. */
  next(filter: MessageFilter, signal: AbortSignal): Promise<StoredMessage | undefined>;
  clear(): void;
};

const ID = /^\d{13}-\d{4}$/;

/**
 * Opens a folder of mails: `<id>.eml` as received and `<id>.json` with the envelope. Beyond the capacity
 * the oldest are deleted.
 */
export const openMessageStore = (dir: string, capacity: number): MessageStore => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const messages = loadMessages(dir);
  const arrivals = new EventEmitter<{ arrival: [StoredMessage] }>();
  // Every waiting request listens.
  arrivals.setMaxListeners(0);
  const nextId = idSequence(messages.at(-1)?.id);
  let uploads = 0;

  const add = async (
    envelope: Envelope,
    raw: Uint8Array,
    channel: InboxChannel = 'email',
  ): Promise<StoredMessage> => {
    uploads += 1;
    const upload = join(dir, `${process.pid}-${uploads}.part`);
    await writeFile(upload, raw, { mode: 0o600 });
    // From here to the end of the list without an await: whoever waits for "later than X" must never see
    // an id appear below one that it has seen.
    const id = nextId();
    const message = {
      id,
      channel,
      receivedAt: new Date(Number(id.slice(0, 13))).toISOString(),
      sizeBytes: raw.byteLength,
      envelope,
    };
    writeFileSync(join(dir, `${id}.json`), JSON.stringify(message), { mode: 0o600 });
    renameSync(upload, join(dir, `${id}.eml`));
    messages.push(message);
    arrivals.emit('arrival', message);
    for (const old of messages.splice(0, Math.max(0, messages.length - capacity)))
      await removeFiles(dir, old.id);
    return message;
  };

  const list = (filter: MessageFilter = {}): StoredMessage[] => messages.filter(filterFor(filter));

  return {
    add,
    list,
    get: (id) => messages.find((message) => message.id === id),
    raw: async (id) => (messages.some((message) => message.id === id) ? readRaw(dir, id) : undefined),
    next: async (filter, signal) => list(filter)[0] ?? waitForArrival(arrivals, filterFor(filter), signal),
    clear: () => {
      for (const { id } of messages.splice(0)) {
        rmSync(join(dir, `${id}.eml`), { force: true });
        rmSync(join(dir, `${id}.json`), { force: true });
      }
    },
  };
};

const loadMessages = (dir: string): StoredMessage[] => {
  const names = new Set(readdirSync(dir));
  const messages: StoredMessage[] = [];
  for (const name of names) {
    if (name.endsWith('.part')) rmSync(join(dir, name), { force: true });
    if (!name.endsWith('.json') || !names.has(name.replace(/json$/, 'eml'))) continue;
    const message = readEnvelope(join(dir, name));
    if (message !== undefined) messages.push(message);
  }
  return messages.toSorted((a, b) => (a.id < b.id ? -1 : 1));
};

const readEnvelope = (path: string): StoredMessage | undefined => {
  try {
    const { id, channel, receivedAt, sizeBytes, envelope } = JSON.parse(
      readFileSync(path, 'utf8'),
    ) as StoredMessage;
    const isComplete = ID.test(id) && Array.isArray(envelope.to) && !Number.isNaN(Date.parse(receivedAt));
    return isComplete
      ? { id, channel: channel === 'sms' ? 'sms' : 'email', receivedAt, sizeBytes, envelope }
      : undefined;
  } catch {
    // Cut short by a crash or edited by hand: the others are still worth showing.
    return undefined;
  }
};

/** Milliseconds and a counter, never below the last one even when the clock is set back. */
const idSequence = (lastId: string | undefined): (() => string) => {
  let lastMs = lastId === undefined ? 0 : Number(lastId.slice(0, 13));
  let count = lastId === undefined ? 0 : Number(lastId.slice(14));
  return () => {
    const now = Date.now();
    if (now > lastMs || count === 9999) {
      lastMs = Math.max(now, lastMs + 1);
      count = 0;
    } else {
      count += 1;
    }
    return `${String(lastMs).padStart(13, '0')}-${String(count).padStart(4, '0')}`;
  };
};

/** `+45 20 12 34 56` and `004520123456` are one number; in a query the plus arrives as a space. */
const spelledAlike = (recipient: string): string => {
  const typed = recipient.replace(/^ (?=\d)/, '+').trim();
  if (!/^(?:\+|00)[\d ().-]+$/.test(typed)) return typed.toLowerCase();
  return typed.replace(/^00/, '+').replaceAll(/[^\d+]/g, '');
};

const filterFor = ({ to, after }: MessageFilter): ((message: StoredMessage) => boolean) => {
  const wanted = to === undefined ? undefined : spelledAlike(to);
  const isLater = after === undefined ? () => true : laterThan(after);
  return (message) =>
    isLater(message.id) &&
    (wanted === undefined || message.envelope.to.some((address) => spelledAlike(address) === wanted));
};

const laterThan = (after: string): ((id: string) => boolean) => {
  if (ID.test(after)) return (id) => id > after;
  const instantMs = Date.parse(after);
  if (Number.isNaN(instantMs)) throw new RangeError('`after` is neither a message id nor an instant');
  return (id) => Number(id.slice(0, 13)) >= instantMs;
};

const waitForArrival = (
  arrivals: EventEmitter<{ arrival: [StoredMessage] }>,
  isWanted: (message: StoredMessage) => boolean,
  signal: AbortSignal,
): Promise<StoredMessage | undefined> => {
  const { promise, resolve } = Promise.withResolvers<StoredMessage | undefined>();
  const onArrival = (message: StoredMessage): void => {
    if (isWanted(message)) resolve(message);
  };
  const onAbort = (): void => resolve(undefined);
  arrivals.on('arrival', onArrival);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    arrivals.off('arrival', onArrival);
    signal.removeEventListener('abort', onAbort);
  });
};

const readRaw = async (dir: string, id: string): Promise<Uint8Array | undefined> => {
  try {
    return await readFile(join(dir, `${id}.eml`));
  } catch (error) {
    // Dropped for a newer one between the look-up and here.
    if (isNotFound(error)) return undefined;
    throw error;
  }
};

const removeFiles = async (dir: string, id: string): Promise<void> => {
  await rm(join(dir, `${id}.json`), { force: true });
  await rm(join(dir, `${id}.eml`), { force: true });
};
