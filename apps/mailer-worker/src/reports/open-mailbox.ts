import { ImapFlow } from 'imapflow';
import { isLoopbackHost } from '@reconfirm/core/redirect';
import type { Secret } from '@reconfirm/core/secret';
import { reportSizeBytesMax } from './take-report.ts';
import { withinMs } from './within-ms.ts';

/** One mail of a mailbox, at most one byte more of it than a report may have. */
export interface MailboxMail {
  readonly uid: number;
  readonly raw: Uint8Array;
}

/** An open folder. Each call has a deadline; one that fails leaves the connection to be closed. */
export interface Mailbox {
  /** The oldest mails that were not dealt with, at most `limit`. */
  next(limit: number): Promise<readonly MailboxMail[]>;
  /** Marks mails as read, or moves them to the folder for them. */
  settle(uids: readonly number[]): Promise<void>;
  /** Resolves when something arrived, the connection ended, or after `timeoutMs`. */
  news(timeoutMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface MailboxOptions {
  /** `imaps://user:password@host:993/FOLDER`; without a folder INBOX. */
  readonly url: Secret;
  readonly doneFolder: string | undefined;
  /** Certificates to trust in place of the system's, as PEM. */
  readonly trustedCertificates?: string | undefined;
  readonly callTimeoutMs?: number;
}

/** A call that takes longer fails, and the connection with it. */
const defaultCallTimeoutMs = 30_000;
/** After a quiet second the connection waits in IDLE (RFC 2177), so that news come by themselves. */
const autoIdleDelayMs = 1000;
/** Servers end connections that idle for half an hour (RFC 3501, 5.4); middleboxes sooner. */
const idleMs = 240_000;
const literalSizeBytesMax = 1024 * 1024;

/**
 * Connects, logs in and opens the folder. Rejects when any of it fails, with the connection closed. `ending`
 * closes the connection at once, whatever is under way.
 */
export const openMailbox = async (options: MailboxOptions, ending: AbortSignal): Promise<Mailbox> => {
  const { doneFolder } = options;
  const callTimeoutMs = options.callTimeoutMs ?? defaultCallTimeoutMs;
  const url = new URL(options.url.reveal());
  const folder = decodeURIComponent(url.pathname.slice(1)) || 'INBOX';
  const client = createClient(url, options, callTimeoutMs);
  const call = <T>(what: string, work: Promise<T>): Promise<T> =>
    withinMs(`IMAP ${what}`, callTimeoutMs, work);
  let closed: Error | undefined;
  /** Since the last look: what comes between a look and the wait for news is news as well. */
  let hasArrived = false;
  // A lost connection also fails the call under way; without a listener it would end the process.
  client.on('error', (error: Error) => {
    closed ??= error;
  });
  client.on('close', () => {
    closed ??= new Error('the IMAP connection ended');
  });
  client.on('exists', () => {
    hasArrived = true;
  });
  const end = (): void => {
    closed ??= new Error('stopped');
    client.close();
  };
  ending.addEventListener('abort', end, { once: true });

  const open = async (): Promise<void> => {
    await call('log in', client.connect());
    if (doneFolder !== undefined) await call('create', client.mailboxCreate(doneFolder));
    await call('open', client.mailboxOpen(folder));
  };

  const next: Mailbox['next'] = async (limit) => {
    if (closed !== undefined) throw closed;
    hasArrived = false;
    // What is not in the folder for it was not dealt with, read by a person or not.
    const wanted = doneFolder === undefined ? { seen: false } : { all: true };
    const found = await call('search', client.search(wanted, { uid: true }));
    if (!Array.isArray(found) || found.length === 0) return [];
    const uids = found.toSorted((a, b) => a - b).slice(0, limit);
    const source = { start: 0, maxLength: reportSizeBytesMax + 1 };
    const mails = await call('fetch', client.fetchAll(uids, { uid: true, source }, { uid: true }));
    // One that another worker has moved meanwhile comes without its text.
    return mails.flatMap(({ uid, source: raw }) => (raw === undefined ? [] : [{ uid, raw }]));
  };

  const settle: Mailbox['settle'] = async (uids) => {
    if (uids.length === 0) return;
    const range = [...uids];
    const settled =
      doneFolder === undefined
        ? await call('mark as read', client.messageFlagsAdd(range, ['\\Seen'], { uid: true }))
        : await call('move', client.messageMove(range, doneFolder, { uid: true }));
    if (settled === false) throw new Error('the IMAP server did not mark or move what was counted');
  };

  const news: Mailbox['news'] = async (timeoutMs, signal) => {
    const { promise: come, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    const onNews = (): void => resolve();
    client.on('exists', onNews).on('close', onNews);
    signal.addEventListener('abort', onNews, { once: true });
    if (closed !== undefined || hasArrived || signal.aborted) resolve();
    await come;
    clearTimeout(timer);
    client.off('exists', onNews).off('close', onNews);
    signal.removeEventListener('abort', onNews);
  };

  const close = async (): Promise<void> => {
    // A server that is gone is not told goodbye.
    if (closed === undefined) await withinMs('IMAP log out', 1000, client.logout()).catch(() => {});
    ending.removeEventListener('abort', end);
    client.close();
  };

  try {
    await open();
  } catch (error) {
    ending.removeEventListener('abort', end);
    client.close();
    throw error;
  }
  return { next, settle, news, close };
};

const createClient = (url: URL, options: MailboxOptions, callTimeoutMs: number): ImapFlow => {
  const secure = url.protocol === 'imaps:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new ImapFlow({
    host,
    port: url.port === '' ? (secure ? 993 : 143) : Number(url.port),
    secure,
    // The password never leaves in clear, except to this machine itself.
    ...(!secure && { doSTARTTLS: !isLoopbackHost(url.hostname) }),
    auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    tls: {
      minVersion: 'TLSv1.2',
      ...(options.trustedCertificates !== undefined && { ca: options.trustedCertificates }),
    },
    logger: false,
    clientInfo: { name: 'reconfirm' },
    autoIdleDelay: autoIdleDelayMs,
    maxIdleTime: idleMs,
    connectionTimeout: callTimeoutMs,
    greetingTimeout: callTimeoutMs,
    socketTimeout: idleMs + callTimeoutMs,
    maxLiteralSize: literalSizeBytesMax,
    maxLineLength: literalSizeBytesMax,
    // One batch is answered in many responses; each is one mail.
    maxResponseSize: 2 * literalSizeBytesMax,
  });
};
