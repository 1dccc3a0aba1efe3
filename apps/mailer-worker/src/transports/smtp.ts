import { BlockList, isIP } from 'node:net';
import { classifySmtpFailure, scrubReply, type SmtpFailureReport } from '@reconfirm/core/smtp-reply';
import type SMTPPool from 'nodemailer/lib/smtp-pool';
import { assembleMessage, composeMessage, isAddrSpec } from './smtp-message.ts';
import { createRotatingPool, hasBodyStarted, type BodyWatch } from './smtp-pool.ts';
import type { OutgoingMail, SendResult, Transport } from './transport.ts';

export interface SmtpTransportOptions {
  /** `smtp://user:password@host:587`, or `smtps://` for TLS from the first byte. Holds a secret. */
  readonly url: string;
  /** `required`: STARTTLS or nothing. `off` is for a local inbox; smtps:// is encrypted either way. */
  readonly tls: 'required' | 'off';
  /** Certificates to trust in place of the system's, as PEM. */
  readonly trustedCertificates?: string;
  /** Where bounces go (MAIL FROM); the address of the From header unless given. */
  readonly envelopeFrom?: string;
  /** The name in EHLO; the host's own unless given. */
  readonly ehloName?: string;
  /** Connections at most; further messages wait in line, and the wait counts against their deadline. */
  readonly maxConnections?: number;
  /** Hard deadline of one hand-over, from the call to the result. */
  readonly sendTimeoutMs?: number;
  readonly maxMessagesPerConnection?: number;
  readonly idleTimeoutMs?: number;
  readonly maxAgeMs?: number;
  /** How long `close` waits for messages in flight. */
  readonly closeTimeoutMs?: number;
}

const defaults = {
  maxConnections: 10,
  sendTimeoutMs: 30_000,
  maxMessagesPerConnection: 100,
  // Well below the 5 minutes that servers are asked to wait (RFC 5321, 4.5.3.2.7), so that we close
  // an idle connection and not the server under a message.
  idleTimeoutMs: 60_000,
  // Long enough to share a handshake among many messages, short enough to follow DNS.
  maxAgeMs: 600_000,
  closeTimeoutMs: 10_000,
};

// nodemailer's own are 2 min, 30 s, 10 min and 30 s. A trickling server outlives any of them, which is
// what the deadline of the send is for.
const timeouts = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 60_000,
  dnsTimeout: 5000,
};

/**
 * Hands mail to an SMTP server over a pool of connections. Nothing is connected before the first
 * mail. Throws when the URL is no SMTP URL, or would send a password over the network in clear.
 */
export const createSmtpTransport = (options: SmtpTransportOptions): Transport => {
  const settings = { ...defaults, ...options };
  const server = readServer(options);
  const pool = createRotatingPool(poolOptions(settings, server), settings.maxAgeMs);
  let closing = false;

  const send: Transport['send'] = async (mail, signal) => {
    if (!isAddrSpec(mail.to)) {
      return {
        kind: 'failed',
        failure: { kind: 'permanent', code: 'recipient_invalid' },
        reply: 'not one address',
      };
    }
    if (closing || signal.aborted) return failed({ code: 'EABORT', bodyStarted: false }, 'stopped', []);
    const assembled = assembleMessage(composeMessage(mail, settings.envelopeFrom ?? mail.from.address));
    const message = { ...assembled, messageIdHeader: mail.messageIdHeader };
    const known = knownTexts(mail, server);
    const watch: BodyWatch = {};
    const deadline = startDeadline(signal, settings.sendTimeoutMs);
    try {
      const sending = pool.send(message, deadline.signal, watch);
      const { response, serverMessageId } = await Promise.race([sending, deadline.passed]);
      const reply = scrubReply(response, known);
      return {
        kind: 'accepted',
        reply,
        ...(serverMessageId !== undefined && { providerMessageId: serverMessageId }),
      };
    } catch (error) {
      const report = readReport(error, hasBodyStarted(watch));
      // The pool fails what it still holds when it is closed, without a code of its own.
      const code = closing && report.responseCode === undefined ? 'EABORT' : report.code;
      return failed({ ...report, code }, messageOf(error), known);
    } finally {
      deadline.clear();
    }
  };

  const close: Transport['close'] = async () => {
    closing = true;
    await pool.close(settings.closeTimeoutMs);
  };

  return { name: 'smtp', send, close };
};

interface Server {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly user: string;
  readonly password: string;
}

const readServer = ({ url, tls }: SmtpTransportOptions): Server => {
  // The URL holds the password, so no error may repeat it.
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^smtps?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new Error('The SMTP server must be given as smtp://host:port or smtps://host:port.');
  }
  const secure = parsed.protocol === 'smtps:';
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const user = decodeURIComponent(parsed.username);
  if (user !== '' && !secure && tls === 'off' && !isLoopback(host)) {
    throw new Error('With TLS off, SMTP credentials may go to this machine only.');
  }
  const port = parsed.port === '' ? (secure ? 465 : 587) : Number(parsed.port);
  return { host, port, secure, user, password: decodeURIComponent(parsed.password) };
};

const isLoopback = (host: string): boolean => {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const family = isIP(host);
  if (family === 0) return false;
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
};

const poolOptions = (settings: SmtpTransportOptions & typeof defaults, server: Server): SMTPPool.Options => ({
  ...timeouts,
  host: server.host,
  port: server.port,
  secure: server.secure,
  // requireTLS has nodemailer send STARTTLS whether offered or not, and end the session when refused.
  requireTLS: settings.tls === 'required' && !server.secure,
  ignoreTLS: settings.tls === 'off',
  tls: {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(settings.trustedCertificates !== undefined && { ca: settings.trustedCertificates }),
  },
  ...(server.user !== '' && { auth: { user: server.user, pass: server.password } }),
  ...(settings.ehloName !== undefined && { name: settings.ehloName }),
  maxConnections: settings.maxConnections,
  maxMessages: settings.maxMessagesPerConnection,
  idleTimeout: settings.idleTimeoutMs,
  // Only messages of which no byte has left are moved to another connection.
  maxRequeues: 3,
  disableFileAccess: true,
  disableUrlAccess: true,
  maxRecipients: 1,
});

interface Deadline {
  readonly signal: AbortSignal;
  /** Rejects when the time is over or the caller has aborted. */
  readonly passed: Promise<never>;
  readonly clear: () => void;
}

/** The race is ours and not nodemailer's: a hand-over ends in time whatever the client does. */
const startDeadline = (outer: AbortSignal, timeoutMs: number): Deadline => {
  const controller = new AbortController();
  const { promise: passed, reject } = Promise.withResolvers<never>();
  // A hand-over that settles in the same turn leaves this rejection without a reader.
  passed.catch(() => {});
  const stop = (code: string, message: string): void => {
    reject(Object.assign(new Error(message), { code }));
    controller.abort();
  };
  const onAbort = (): void => stop('EABORT', 'stopped');
  const timer = setTimeout(() => stop('ETIMEDOUT', `no result in ${timeoutMs} ms`), timeoutMs);
  outer.addEventListener('abort', onAbort, { once: true });
  const clear = (): void => {
    clearTimeout(timer);
    outer.removeEventListener('abort', onAbort);
  };
  return { signal: controller.signal, passed, clear };
};

const failed = (report: SmtpFailureReport, message: string, known: readonly string[]): SendResult => ({
  kind: 'failed',
  failure: classifySmtpFailure(report),
  reply: scrubReply(report.response ?? message, known),
});

/** Servers repeat the recipient, sometimes without its domain, and the user who logs in. */
const knownTexts = (mail: OutgoingMail, server: Server): readonly string[] =>
  [mail.to, mail.to.slice(0, mail.to.indexOf('@')), server.password, server.user].filter(
    (text) => text.length > 2,
  );

/** Reads nodemailer's error. What is not one is a fault of ours and goes on to the caller. */
const readReport = (error: unknown, bodyStarted: boolean): SmtpFailureReport => {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
  const fields = new Map<string, unknown>(Object.entries(error));
  const textOf = (name: string): string | undefined => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const responseCode = fields.get('responseCode');
  return {
    code: textOf('code'),
    originalCode: textOf('originalCode'),
    command: textOf('command'),
    responseCode: typeof responseCode === 'number' ? responseCode : undefined,
    response: textOf('response'),
    bodyStarted,
  };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'failed');
