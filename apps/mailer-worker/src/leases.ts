import type { Database } from '@reconfirm/db/database';
import { renewLeases } from '@reconfirm/db/claims';
import type { Logger } from '@reconfirm/process/logger';

export interface LeaseKeeper {
  stop(): void;
}

/**
 * Renews the leases of the messages in hand three times a lease, all in one statement. When it cannot
 * (the database is away), the leases run out and another worker may take over: that is their point.
 */
export const keepLeases = (options: {
  readonly db: Database;
  readonly leaseSeconds: number;
  readonly held: () => readonly { readonly id: string; readonly attempt: number }[];
  readonly log: Logger;
}): LeaseKeeper => {
  const renew = async (): Promise<void> => {
    const held = options.held();
    if (held.length === 0) return;
    try {
      await renewLeases(options.db, held, options.leaseSeconds);
    } catch (error) {
      options.log.warn({ err: error, held: held.length }, 'leases.not_renewed');
    }
  };
  const timer = setInterval(() => void renew(), (options.leaseSeconds * 1000) / 3);
  return { stop: () => clearInterval(timer) };
};
