import { reportingProviders } from '@reconfirm/core/delivery-state';
import type { Database } from '@reconfirm/db/database';
import { countMessages } from '@reconfirm/db/numbers';
import type { Logger } from '@reconfirm/process/logger';
import type { WorkerMetrics } from './metrics.ts';

/** Rates of a day move slowly, and counting a day of a large installation takes a second. */
const everyMs = 300_000;
const dayMs = 86_400_000;
/** Providers and purposes there are, with room. */
const groupsMax = 200;

export interface NumbersReport {
  stop(): void;
}

/** Counts every five minutes, and once at the start, what the messages of the last day came to, for the metrics. */
export const reportNumbers = (options: {
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: Pick<WorkerMetrics, 'day'>;
}): NumbersReport => {
  const { db, log, metrics } = options;
  const count = (by: readonly ('provider' | 'purpose' | 'domain')[]) => {
    const to = new Date();
    return countMessages(db, {
      from: new Date(to.getTime() - dayMs),
      to,
      by,
      reporting: { email: reportingProviders('email'), sms: reportingProviders('sms') },
      locales: [],
      limit: groupsMax,
    });
  };
  let stopped = false;
  const read = async (): Promise<void> => {
    try {
      const byProvider = await count(['provider', 'purpose']);
      metrics.day({ byProvider, byDomain: await count(['domain']) });
    } catch (error) {
      // The pool that it waited for may be closed by now.
      if (!stopped) log.warn({ err: error }, 'numbers.not_reported');
    }
  };
  void read();
  const timer = setInterval(() => void read(), everyMs);
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
};
