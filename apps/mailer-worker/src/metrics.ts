import type { Channel } from '@reconfirm/core/destination';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { createDayMetrics, type DayNumbers } from './day-metrics.ts';
import { createLookupMetrics, type LookupMetrics } from './lookups/lookup-metrics.ts';
import { createReportMetrics, type ReportMetrics } from './reports/report-metrics.ts';

/** What the worker counts. Labels are closed lists: no address, id or text of a caller. */
export interface WorkerMetrics extends ReportMetrics, LookupMetrics {
  readonly registry: Registry;
  messageDone(outcome: string, reason: string | null, seconds: number): void;
  swept(round: { reclaimed: number; rung: number; applied: number; oldestDueSeconds: number | null }): void;
  triedWithoutQueue(): void;
  queueError(): void;
  eventAttempted(outcome: string, said: string, seconds: number): void;
  eventsDue(oldestSeconds: number): void;
  /** What the messages of the last day came to. */
  day(numbers: DayNumbers): void;
  /** An SMS was taken, or may have been. `country` is one of SMS_COUNTRIES. */
  smsSpent(country: string, cost: number): void;
  smsRefused(reason: string): void;
  /** What the SMS of the last day came to, by country. */
  smsDay(
    countries: readonly { readonly country: string; readonly sent: number; readonly verified: number }[],
  ): void;
}

export interface WorkerGauges {
  readonly inHand: () => number;
  /** The way to each provider. */
  readonly ways: () => readonly {
    readonly channel: Channel;
    readonly provider: string;
    readonly open: boolean;
    /** Organizations whose own sender it refuses. */
    readonly refusedSenders: number;
  }[];
  readonly queueWorking: () => boolean;
}

export const createWorkerMetrics = (gauges: WorkerGauges): WorkerMetrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const done = new Counter({
    name: 'reconfirm_messages_done_total',
    help: 'Messages that left a worker, by outcome (sent, bounced, deferred, skipped, gave_up, failed_over, given_back, passed_on, lost) and reason.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const seconds = new Histogram({
    name: 'reconfirm_message_seconds',
    help: 'Time from claim to record of one message.',
    labelNames: ['outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const sweptRows = new Counter({
    name: 'reconfirm_swept_total',
    help: 'Rows the sweep acted on: leases reclaimed, messages rung again, tried without the queue, parked events applied.',
    labelNames: ['what'],
    registers,
  });
  const oldest = new Gauge({
    name: 'reconfirm_oldest_due_seconds',
    help: 'How long the oldest message that is due has been waiting: the signal to scale workers on.',
    registers,
  });
  const queueErrors = new Counter({
    name: 'reconfirm_queue_errors_total',
    help: 'Errors of the queue connection, counted at most once a second.',
    registers,
  });
  const events = new Counter({
    name: 'reconfirm_event_attempts_total',
    help: 'Attempts to tell a host application, by outcome (delivered, failed, dead) and what was said (status_2xx, timeout, ...).',
    labelNames: ['outcome', 'said'],
    registers,
  });
  const eventSeconds = new Histogram({
    name: 'reconfirm_event_attempt_seconds',
    help: 'Time that one attempt to tell a host application took.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const oldestEvent = new Gauge({
    name: 'reconfirm_oldest_due_event_seconds',
    help: 'How long the oldest due delivery to an active endpoint has been waiting; looked at once a minute.',
    registers,
  });
  const live = (name: string, help: string, read: () => number): void => {
    const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) });
  };
  live('reconfirm_messages_in_hand', 'Messages this worker is working on.', gauges.inHand);
  const open: Gauge<'channel' | 'provider'> = new Gauge({
    name: 'reconfirm_provider_open',
    help: '1 while a provider takes our messages, 0 while it rests because of our own set-up, or because it cannot be reached and another one carries.',
    labelNames: ['channel', 'provider'],
    registers,
    collect: () => {
      for (const { channel, provider, open: isOpen } of gauges.ways())
        open.set({ channel, provider }, Number(isOpen));
    },
  });
  const refused: Gauge<'channel' | 'provider'> = new Gauge({
    name: 'reconfirm_senders_refused',
    help: 'Organizations whose own sender (MAIL_FROM) a provider refuses; their messages rest. /readyz names them.',
    labelNames: ['channel', 'provider'],
    registers,
    collect: () => {
      for (const { channel, provider, refusedSenders } of gauges.ways())
        refused.set({ channel, provider }, refusedSenders);
    },
  });
  live(
    'reconfirm_queue_working',
    '1 while the queue answers, 0 while messages are delivered from Postgres alone.',
    () => Number(gauges.queueWorking()),
  );
  const sms = createSmsMetrics(registers);

  return {
    ...sms,
    ...createReportMetrics(registers),
    ...createLookupMetrics(registers),
    ...createDayMetrics(registers),
    registry,
    messageDone: (outcome, reason, tookSeconds) => {
      done.inc({ outcome, reason: reason ?? 'none' });
      seconds.observe({ outcome }, tookSeconds);
    },
    swept: ({ reclaimed, rung, applied, oldestDueSeconds }) => {
      if (reclaimed > 0) sweptRows.inc({ what: 'lease_reclaimed' }, reclaimed);
      if (rung > 0) sweptRows.inc({ what: 'rung' }, rung);
      if (applied > 0) sweptRows.inc({ what: 'event_applied' }, applied);
      if (oldestDueSeconds !== null) oldest.set(oldestDueSeconds);
    },
    triedWithoutQueue: () => sweptRows.inc({ what: 'tried_without_queue' }),
    queueError: () => queueErrors.inc(),
    eventAttempted: (outcome, said, tookSeconds) => {
      events.inc({ outcome, said });
      eventSeconds.observe(tookSeconds);
    },
    eventsDue: (oldestSeconds) => oldestEvent.set(oldestSeconds),
  };
};

const createSmsMetrics = (
  registers: Registry[],
): Pick<WorkerMetrics, 'smsSpent' | 'smsRefused' | 'smsDay'> => {
  const sent = new Counter({
    name: 'reconfirm_sms_sent_total',
    help: 'SMS that the provider took, or may have taken, by country.',
    labelNames: ['country'],
    registers,
  });
  const spend = new Counter({
    name: 'reconfirm_sms_spend_total',
    help: 'What they cost by SMS_PRICES, in its currency, by country.',
    labelNames: ['country'],
    registers,
  });
  const refused = new Counter({
    name: 'reconfirm_sms_refused_total',
    help: 'SMS that were not sent, by reason: a budget, a pause, a country or a number that is not allowed.',
    labelNames: ['reason'],
    registers,
  });
  const day = (name: string, help: string) => new Gauge({ name, help, labelNames: ['country'], registers });
  const daySent = day(
    'reconfirm_sms_day_sent',
    'SMS of the last day, by country, as the database knows them.',
  );
  const dayVerified = day('reconfirm_sms_day_verified', 'Of these, the ones whose code was used.');
  return {
    smsSpent: (country, cost) => {
      sent.inc({ country });
      spend.inc({ country }, cost);
    },
    smsRefused: (reason) => refused.inc({ reason }),
    smsDay: (countries) => {
      daySent.reset();
      dayVerified.reset();
      for (const { country, sent: count, verified } of countries) {
        daySent.set({ country }, count);
        dayVerified.set({ country }, verified);
      }
    },
  };
};
