import type { Database } from '@reconfirm/db/database';
import { smsOfLastDay } from '@reconfirm/db/sms-spend';
import type { Logger } from '@reconfirm/process/logger';
import type { WorkerMetrics } from './metrics.ts';

const everyMs = 60_000;

/** Reads once a minute what the SMS of the last day came to, for the metrics. */
export const reportSms = (options: {
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}): { stop(): void } => {
  const read = async (): Promise<void> => {
    try {
      options.metrics.smsDay(await smsOfLastDay(options.db));
    } catch (error) {
      options.log.warn({ err: error }, 'sms.not_reported');
    }
  };
  const timer = setInterval(() => void read(), everyMs);
  return { stop: () => clearInterval(timer) };
};
