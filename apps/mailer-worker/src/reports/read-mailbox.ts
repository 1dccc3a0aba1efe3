import { bounceAddressesIn } from '@reconfirm/core/reports/bounce-address';
import { readMailHeaders } from '@reconfirm/core/reports/split-mail';
import type { Logger } from '@reconfirm/process/logger';
import { type Mailbox, type MailboxMail, type MailboxOptions, openMailbox } from './open-mailbox.ts';
import type { TakeReport } from './take-report.ts';
import { withinMs } from './within-ms.ts';

/** Mails fetched at once: of 64 KiB each at most. */
const batchSize = 20;
const defaultPollMs = 30_000;
const stopTimeoutMs = 2000;
const waitMinMs = 1000;
const waitMaxMs = 300_000;
/**
 * Where servers note the recipient of the envelope; `To` of a bounce is the return path (RFC 3464, 2). Which
 * of them it was does not matter: an address proves its message by itself.
 */
const recipientHeaders = [
  'delivered-to',
  'x-original-to',
  'envelope-to',
  'x-envelope-to',
  'x-delivered-to',
  'to',
];

export interface MailboxReaderOptions extends MailboxOptions {
  readonly take: TakeReport;
  /** Told whenever the mailbox begins or ceases to be read. */
  readonly onWorking: (working: boolean) => void;
  readonly log: Logger;
  /** How long at most until it is looked for new mail, also where the server pushes no news. */
  readonly pollMs?: number;
}

export interface MailboxReader {
  /** Finishes the mail in hand and logs out, in some seconds at most. */
  stop(): Promise<void>;
}

/**
 * Reads a mailbox for ever: counts what is new, then marks or moves it. A mail is marked only once it is
 * stored, so a database that is away loses nothing; several workers may read the same mailbox, because a
 * report counts once. A connection that fails is made again, after 1 s first and 5 minutes at last.
 */
export const startMailboxReader = (options: MailboxReaderOptions): MailboxReader => {
  const { take, log, onWorking } = options;
  const stopping = new AbortController();
  const ending = new AbortController();
  let failures = 0;

  const takeAll = async (mails: readonly MailboxMail[], mailbox: Mailbox): Promise<void> => {
    const counted: number[] = [];
    try {
      for (const { uid, raw } of mails) {
        if (stopping.signal.aborted) return;
        await take({ raw, ...envelopeOf(raw), isFromFeedbackSource: () => Promise.resolve(false) });
        counted.push(uid);
      }
    } finally {
      await mailbox.settle(counted);
    }
  };

  const serve = async (mailbox: Mailbox): Promise<void> => {
    while (!stopping.signal.aborted) {
      const mails = await mailbox.next(batchSize);
      await takeAll(mails, mailbox);
      failures = 0;
      onWorking(true);
      if (mails.length < batchSize) await mailbox.news(options.pollMs ?? defaultPollMs, stopping.signal);
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let mailbox: Mailbox | undefined;
      try {
        mailbox = await openMailbox(options, ending.signal);
        await serve(mailbox);
      } catch (error) {
        if (stopping.signal.aborted) return;
        failures += 1;
        onWorking(false);
        // The message alone: the library's errors carry the command, and that one names the user.
        log.warn(
          { problem: error instanceof Error ? error.message : String(error), failures },
          'report.mailbox_failed',
        );
      } finally {
        await mailbox?.close();
      }
      await pause(Math.min(waitMinMs * 2 ** Math.max(0, failures - 1), waitMaxMs), stopping.signal);
    }
  };
  const running = run();

  return {
    stop: async () => {
      stopping.abort();
      // A server that does not answer must not hold the process.
      await withinMs('finish the mail in hand', stopTimeoutMs, running).catch(() => ending.abort());
      await running;
    },
  };
};

/** The envelope as the server of the mailbox noted it. */
const envelopeOf = (
  raw: Uint8Array,
): { readonly recipients: readonly string[]; readonly sender: string | undefined } => {
  const headers = readMailHeaders(raw);
  const noted = recipientHeaders.map((name) => headers.get(name) ?? '').join('\n');
  const sender = headers.get('return-path')?.replace(/^<|>$/g, '').trim();
  return {
    recipients: bounceAddressesIn(noted),
    // Sendmail and its heirs write the null sender so.
    sender: sender !== undefined && /^mailer-daemon(?:@|$)/i.test(sender) ? '' : sender,
  };
};

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
};
