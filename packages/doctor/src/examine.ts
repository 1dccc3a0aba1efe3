import type { BounceProbe } from '@reconfirm/core/doctor/bounce-address';
import type { ClockReading } from '@reconfirm/core/doctor/clock';
import { createDnsView, type DnsAnswers } from '@reconfirm/core/doctor/dns-view';
import { judge, type Report } from '@reconfirm/core/doctor/report';
import type { Sender } from '@reconfirm/core/doctor/sender';
import { type Route, visitBounceAddress } from './bounce-visit.ts';
import { readClock, readHttpClock } from './clocks.ts';
import { createDnsReader, type DnsReader } from './dns-reader.ts';
import { gatherDns } from './gather-dns.ts';
import { type SmtpVisit, visitSmtpServer } from './smtp-server.ts';

export interface ExamineOptions {
  readonly sender: Sender;
  /** The settings are those of the API, so what is missing in them is missing. */
  readonly isApi: boolean;
  /** Missing where no database is known. */
  readonly readDatabaseClock?: (() => Promise<Date>) | undefined;
  /** Name servers as `address:port`; the system's unless given. */
  readonly dnsServers?: readonly string[] | undefined;
  /** Certificates to trust in place of the system's, as PEM. */
  readonly trustedCertificates?: string | undefined;
  readonly bounceRoute?: Route | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Longer than a slow name server needs twice over, shorter than a person waits. */
const defaultTimeoutMs = 10_000;

/**
 * Gathers what can be known of a sender's set-up and judges it. Changes nothing anywhere and hands no
 * mail over. Ends within `timeoutMs`: what was not found out by then is `unknown` in the report.
 */
export const examine = async (options: ExamineOptions): Promise<Report> => {
  const { sender } = options;
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(), options.timeoutMs ?? defaultTimeoutMs);
  const { signal } = ended;
  const reader = createDnsReader(signal, options.dnsServers);
  try {
    const visiting: Promise<SmtpVisit> =
      sender.smtp === undefined
        ? Promise.resolve({ facts: { kind: 'not_tried' } })
        : visitSmtpServer(sender.smtp, { signal, trustedCertificates: options.trustedCertificates });
    const [{ answers, bounce }, visit, database, http] = await Promise.all([
      gatherAddresses(options, reader, signal),
      visiting,
      options.readDatabaseClock && readClock('the database', options.readDatabaseClock),
      sender.service?.httpOrigin === undefined
        ? undefined
        : readHttpClock(sender.service.httpOrigin, reader, signal),
    ]);
    const clocks = [database, http, clockOf(visit)].filter((reading) => reading !== undefined);
    const { isApi } = options;
    return judge(sender, createDnsView(answers), {
      smtp: visit.facts,
      bounce,
      clocks,
      isApi,
      now: new Date(),
    });
  } finally {
    clearTimeout(timer);
    ended.abort();
  }
};

const gatherAddresses = async (
  { sender, bounceRoute }: ExamineOptions,
  reader: DnsReader,
  signal: AbortSignal,
): Promise<{ readonly answers: DnsAnswers; readonly bounce: BounceProbe }> => {
  const answers = await gatherDns(sender, reader, signal);
  return { answers, bounce: await visitBounceAddress(sender, answers, signal, bounceRoute) };
};

const clockOf = ({ clock }: SmtpVisit): ClockReading | undefined =>
  clock && { of: 'the SMTP server', offsetMs: clock.theirs.getTime() - clock.oursMs, errorMs: 1500 };
