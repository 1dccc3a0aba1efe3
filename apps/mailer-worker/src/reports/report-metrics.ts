import { Counter, Gauge, type Registry } from '@prometheus-io/client';

/** What is counted of bounces and complaints. Labels are closed lists. */
export interface ReportMetrics {
  reported(outcome: string): void;
  bounceMailbox(working: boolean): void;
}

export const createReportMetrics = (registers: Registry[]): ReportMetrics => {
  const reports = new Counter({
    name: 'reconfirm_reports_total',
    help: 'Mails to the bounce domain, by outcome (applied, parked, repeated, ..., or why they do not count; no_such_address and not_stored were refused).',
    labelNames: ['outcome'],
    registers,
  });
  const mailbox = new Gauge({
    name: 'reconfirm_bounce_mailbox_working',
    help: '1 while the mailbox of BOUNCE_IMAP can be read, 0 while it cannot; absent without one.',
    labelNames: ['mailbox'],
    registers,
  });
  return {
    reported: (outcome) => reports.inc({ outcome }),
    bounceMailbox: (working) => mailbox.set({ mailbox: 'imap' }, working ? 1 : 0),
  };
};
