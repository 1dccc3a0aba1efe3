import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerOptions } from 'smtp-server';
import type { Envelope, MessageStore } from './message-store.ts';
import { createSimulatedRecipients, type SimulatedReply } from './simulated-recipient.ts';
import { type ReportTarget, sendReports } from './simulated-reports.ts';

// More than any verification mail, less than what would fill a disk unnoticed.
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

const replyError = ({ responseCode, message }: SimulatedReply): Error =>
  Object.assign(new Error(message), { responseCode });

/** Stores what the client sends after DATA; the reply is given only when it is on disk. */
const keep = async (
  store: MessageStore,
  envelope: Envelope,
  stream: SMTPServerDataStream,
  reply: (error: Error | null, message?: string) => void,
  report: (raw: Uint8Array) => void,
): Promise<void> => {
  let id: string;
  let raw: Buffer;
  try {
    raw = await buffer(stream);
    if (stream.sizeExceeded) throw replyError({ responseCode: 552, message: '5.3.4 Message too big' });
    id = (await store.add(envelope, raw)).id;
  } catch (error) {
    reply(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  reply(null, `2.0.0 Kept as ${id}`);
  report(raw);
};

export type RunningSmtp = { port: number; stop(): Promise<void> };

/**
 * Serves SMTP on 127.0.0.1, in clear and with any credentials; every accepted mail goes into the store. What
 * simulated recipients make of it is reported to `reportTo`.
 */
export const startSmtp = async (
  store: MessageStore,
  port: number,
  reportTo?: ReportTarget,
): Promise<RunningSmtp> => {
  const partOf = createSimulatedRecipients(reportTo !== undefined);
  const closing = new AbortController();
  const reporting = new Set<Promise<void>>();
  const report = (recipients: readonly string[], raw: Uint8Array): void => {
    if (reportTo === undefined) return;
    for (const recipient of recipients) {
      const part = partOf(recipient);
      if (part.kind !== 'report') continue;
      const sending = sendReports(reportTo, part.reports, raw, closing.signal);
      reporting.add(sending);
      void sending.finally(() => reporting.delete(sending));
    }
  };
  const options: SMTPServerOptions = {
    banner: 'Reconfirm inbox',
    authOptional: true,
    allowInsecureAuth: true,
    // The certificate would be self-signed, and a client that insists on TLS is right to refuse it.
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    size: MAX_MESSAGE_BYTES,
    closeTimeout: 200,
    onAuth: ({ username }, _session, callback) => callback(null, { user: username ?? 'anonymous' }),
    onRcptTo: ({ address }, _session, callback) => {
      const part = partOf(address);
      callback(part.kind === 'refuse' ? replyError(part.reply) : null);
    },
    onData: (stream, session, callback) => {
      const { mailFrom, rcptTo } = session.envelope;
      const envelope = {
        from: mailFrom === false ? '' : mailFrom.address,
        to: rcptTo.map(({ address }) => address),
      };
      void keep(store, envelope, stream, callback, (raw) => report(envelope.to, raw));
    },
  };
  const smtp = new SMTPServer(options);
  // A client that vanishes is its own business; a port that is taken is reported by the listener as well.
  smtp.on('error', () => undefined);
  const server = smtp.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The SMTP server has no port');
  return {
    port: address.port,
    stop: async () => {
      closing.abort();
      await new Promise<void>((resolve) => smtp.close(() => resolve()));
      await Promise.all(reporting);
    },
  };
};
