import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '@reconfirm/core/config/bounce-settings';
import { readBounceAddress } from '@reconfirm/core/reports/bounce-address';
import type { Secret } from '@reconfirm/core/secret';
import type { KeyRing } from '@reconfirm/core/token';
import type { Logger } from '@reconfirm/process/logger';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { replyTo, SmtpRefusal, temporaryFailure } from './bounce-replies.ts';
import { createPlaces } from './places.ts';
import { reportSizeBytesMax, type TakeReport } from './take-report.ts';

/** Connections of all clients, and of one: a server that reports many bounces opens a few. */
const clientsMax = 100;
const clientsOfAddressMax = 10;
/** Between two bytes of a client's. RFC 5321, 4.5.3.2.7 asks a general server for five minutes; a report takes seconds. */
const idleTimeoutMs = 60_000;
/** Of a whole session, whatever the client does. */
const sessionTimeoutMs = 180_000;
const closeTimeoutMs = 2000;
/** Where feedback loops are registered to. */
const feedbackLocalPart = 'fbl';

export interface BounceListenerOptions {
  readonly listen: ListenAddress;
  readonly ring: KeyRing;
  readonly domain: string;
  /** PEM of key and certificate, for STARTTLS. */
  readonly tls: { readonly key: Secret; readonly cert: Secret } | undefined;
  readonly take: TakeReport;
  readonly isFeedbackSource: (address: string) => Promise<boolean>;
  readonly refused: () => void;
  readonly log: Logger;
  readonly sessionTimeoutMs?: number;
}

export interface BounceListener {
  readonly port: number;
  /** Ends every session; what was not answered is sent again by its server. */
  close(): Promise<void>;
}

/**
 * An SMTP server for one purpose: it takes reports of 64 KiB at most to one recipient, either an address
 * that we made for a message or `fbl@`, and answers each with what became of it. What cannot be stored is
 * answered 451 and comes again. It relays nothing, keeps nothing and knows no user. Rejects when the
 * port is taken or the certificate is broken.
 */
export const startBounceListener = async (options: BounceListenerOptions): Promise<BounceListener> => {
  const { ring, domain, tls, log } = options;
  const places = createPlaces(clientsOfAddressMax);
  const deadlines = new Map<string, NodeJS.Timeout>();

  const isOurs = (address: string): boolean =>
    readBounceAddress(ring, domain, address) !== undefined ||
    address.toLowerCase() === `${feedbackLocalPart}@${domain}`;

  const endLate = (sessionId: string): void => {
    for (const connection of server.connections) {
      if (connection.session.id !== sessionId) continue;
      connection.send(421, '4.4.2 This session takes too long');
      connection.close();
    }
  };

  const receive = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> => {
    const raw = await readAll(stream);
    const { mailFrom, rcptTo } = session.envelope;
    const outcome = await options
      .take({
        raw,
        recipients: rcptTo.map(({ address }) => address),
        sender: mailFrom === false ? undefined : mailFrom.address,
        isFromFeedbackSource: () => options.isFeedbackSource(session.remoteAddress),
      })
      .catch((error: unknown) => {
        log.warn({ err: error }, 'report.not_stored');
        throw temporaryFailure();
      });
    return replyTo(outcome, mailFrom !== false && mailFrom.address === '');
  };

  const server = new SMTPServer({
    name: domain,
    banner: 'takes delivery reports',
    logger: false,
    ...(tls !== undefined && { key: tls.key.reveal(), cert: tls.cert.reveal(), minVersion: 'TLSv1.2' }),
    // Nobody logs in, and the rest are jokes of the library's.
    disabledCommands: ['AUTH', 'HELP', 'WIZ', 'SHELL', 'KILL', ...(tls === undefined ? ['STARTTLS'] : [])],
    disableReverseLookup: true,
    size: reportSizeBytesMax,
    rejectOversized: true,
    maxRecipients: 1,
    maxClients: clientsMax,
    socketTimeout: idleTimeoutMs,
    closeTimeout: closeTimeoutMs,
    onConnect: (session, callback) => {
      if (!places.take(session.id, session.remoteAddress))
        return callback(new SmtpRefusal(421, '4.7.0 Too many connections from this address'));
      deadlines.set(
        session.id,
        setTimeout(() => endLate(session.id), options.sessionTimeoutMs ?? sessionTimeoutMs),
      );
      return callback();
    },
    onClose: (session) => {
      places.giveBack(session.id);
      clearTimeout(deadlines.get(session.id));
      deadlines.delete(session.id);
    },
    onRcptTo: ({ address }, _session, callback) => {
      if (isOurs(address)) return callback();
      options.refused();
      return callback(new SmtpRefusal(550, '5.1.1 No such address here'));
    },
    onData: (stream, session, callback) => {
      // oxlint-disable-next-line promise/prefer-await-to-callbacks, promise/no-callback-in-promise -- smtp-server takes a callback
      receive(stream, session).then((reply) => callback(null, reply), callback);
    },
  });
  // Clients that break off are daily life, and the library has closed their connection.
  server.on('error', (error) => log.debug({ err: error }, 'report.connection_failed'));
  server.listen(options.listen.port, options.listen.host);
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    close: async () => {
      await new Promise<void>((resolve) => server.close(resolve));
      for (const timer of deadlines.values()) clearTimeout(timer);
    },
  };
};

/** All of a mail, or what of it is read before it is refused for its size. */
const readAll = async (stream: SMTPServerDataStream): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= reportSizeBytesMax + 1) chunks.push(chunk);
  }
  if (sizeBytes > reportSizeBytesMax) throw new SmtpRefusal(552, '5.3.4 The report is too large');
  return Buffer.concat(chunks);
};
