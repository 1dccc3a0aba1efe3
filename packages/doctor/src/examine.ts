import { once } from 'node:events';
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

export interface ExaminedDatabase {
  readonly clock: () => Promise<Date>;
  readonly processNames: () => Promise<readonly string[]>;
}

export interface ExamineOptions {
  readonly sender: Sender;
  /** The settings are those of the API, so what is missing in them is missing. */
  readonly isApi: boolean;
  /** Missing where no database is known. */
  readonly database?: ExaminedDatabase | undefined;
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
  const { sender, database } = options;
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(), options.timeoutMs ?? defaultTimeoutMs);
  const { signal } = ended;
  const reader = createDnsReader(signal, options.dnsServers);
  try {
    const visiting: Promise<SmtpVisit> =
      sender.smtp === undefined
        ? Promise.resolve({ facts: { kind: 'not_tried' } })
        : visitSmtpServer(sender.smtp, { signal, trustedCertificates: options.trustedCertificates });
    const [{ answers, bounce }, visit, ofDatabase, http, processNames] = await Promise.all([
      gatherAddresses(options, reader, signal),
      visiting,
      database && inTime(readClock('the database', database.clock), signal),
      sender.service?.httpOrigin === undefined
        ? undefined
        : readHttpClock(sender.service.httpOrigin, reader, signal),
      database && inTime(database.processNames(), signal),
    ]);
    const clocks = [ofDatabase, http, clockOf(visit)].filter((reading) => reading !== undefined);
    const { isApi } = options;
    return judge(sender, createDnsView(answers), {
      smtp: visit.facts,
      bounce,
      clocks,
      processNames,
      isApi,
      now: new Date(),
    });
  } finally {
    clearTimeout(timer);
    ended.abort();
  }
};

/** A statement has a deadline of its own, which may be longer than ours. A database that is away tells nothing. */
const inTime = <T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> =>
  Promise.race([work.catch(() => undefined), once(signal, 'abort').then(() => undefined)]);

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
