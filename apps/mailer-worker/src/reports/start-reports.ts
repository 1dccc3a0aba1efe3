import type { WorkerConfig } from '@reconfirm/core/config/config';
import { bounceAddress, bounceTag } from '@reconfirm/core/reports/bounce-address';
import type { EventOutcome, IncomingEvent } from '@reconfirm/db/delivery-events';
import type { Logger } from '@reconfirm/process/logger';
import type { BounceReturn } from '../transports/transport.ts';
import type { BounceListener } from './bounce-listener.ts';
import { createFeedbackSources } from './feedback-source.ts';
import type { MailboxReader } from './read-mailbox.ts';
import type { ReportMetrics } from './report-metrics.ts';
import { createTakeReport, type TakeReport } from './take-report.ts';

export interface ReportOptions {
  readonly config: WorkerConfig;
  readonly store: (event: IncomingEvent) => Promise<EventOutcome>;
  readonly metrics: ReportMetrics;
  readonly log: Logger;
}

export interface RunningReports {
  /** Undefined without BOUNCE_LISTEN. */
  readonly port: number | undefined;
  stop(): Promise<void>;
}

/** Starts what hears of bounces and complaints by mail; nothing without BOUNCE_DOMAIN. Rejects when the port is taken. */
export const startReports = async ({
  config,
  store,
  metrics,
  log,
}: ReportOptions): Promise<RunningReports> => {
  const domain = config.BOUNCE_DOMAIN;
  if (domain === undefined) return { port: undefined, stop: () => Promise.resolve() };
  const take = createTakeReport({
    ring: config.TOKEN_KEYS,
    domain,
    store: (event) =>
      store(event).catch((error: unknown) => {
        metrics.reported('not_stored');
        throw error;
      }),
    counted: metrics.reported,
    log,
  });
  const listener = await startListener(config, take, metrics, log);
  const reader = await startReader(config, take, metrics, log);
  return {
    port: listener?.port,
    stop: async () => {
      await Promise.all([listener?.close(), reader?.stop()]);
    },
  };
};

// Their libraries are loaded where they are used: a quarter of a second of the start of every other worker.

const startListener = async (
  config: WorkerConfig,
  take: TakeReport,
  metrics: ReportMetrics,
  log: Logger,
): Promise<BounceListener | undefined> => {
  const { BOUNCE_LISTEN: listen, BOUNCE_DOMAIN: domain, BOUNCE_TLS_KEY: key, BOUNCE_TLS_CERT: cert } = config;
  if (listen === undefined || domain === undefined) return undefined;
  const { startBounceListener } = await import('./bounce-listener.ts');
  return startBounceListener({
    listen,
    ring: config.TOKEN_KEYS,
    domain,
    tls: key === undefined || cert === undefined ? undefined : { key, cert },
    take,
    isFeedbackSource: createFeedbackSources(config.BOUNCE_FEEDBACK_SOURCES),
    refused: () => metrics.reported('no_such_address'),
    log,
  });
};

const startReader = async (
  config: WorkerConfig,
  take: TakeReport,
  metrics: ReportMetrics,
  log: Logger,
): Promise<MailboxReader | undefined> => {
  if (config.BOUNCE_IMAP === undefined) return undefined;
  const { startMailboxReader } = await import('./read-mailbox.ts');
  return startMailboxReader({
    url: config.BOUNCE_IMAP,
    doneFolder: config.BOUNCE_IMAP_DONE,
    take,
    onWorking: metrics.bounceMailbox,
    log,
  });
};

/** Where the bounces of each message come back to; undefined where they go to the sender, or to the provider. */
export const bounceReturnOf = (
  config: Pick<WorkerConfig, 'BOUNCE_DOMAIN' | 'EMAIL_PROVIDER' | 'TOKEN_KEYS'>,
): ((messageId: string) => BounceReturn) | undefined => {
  const { BOUNCE_DOMAIN: domain, TOKEN_KEYS: ring } = config;
  // Other providers put an envelope sender of their own, and report by webhook.
  if (domain === undefined || config.EMAIL_PROVIDER !== 'smtp') return undefined;
  return (messageId) => {
    const tag = bounceTag(ring, messageId);
    return { address: bounceAddress(tag, domain), envelopeId: tag };
  };
};
