import { sql } from 'kysely';
import type { Channel } from '@reconfirm/core/destination';
import type { Database } from './database.ts';

export interface DueMessage {
  readonly id: string;
  readonly channel: Channel;
  readonly attempt: number;
  /** How long it has been due: far more than a sweep's period means that ringing does not help. */
  readonly overdueSeconds: number;
}

/**
 * Gives back messages whose worker has stopped renewing its lease: due at once, with a new fence.
 * Returns how many. A worker that was only slow loses its fence and can still report `sent`.
 */
export const reclaimExpiredLeases = async (db: Database, limit: number): Promise<number> => {
  const { numAffectedRows } = await sql`
    UPDATE messages m
       SET status = 'deferred', attempt = m.attempt + 1, lost_leases = m.lost_leases + 1,
           lease_until = NULL, next_at = now(), rung_at = NULL
     WHERE m.id IN (
       SELECT id FROM messages WHERE lease_until < now()
        ORDER BY lease_until LIMIT ${limit} FOR UPDATE SKIP LOCKED)`.execute(db);
  return Number(numAffectedRows ?? 0n);
};

/**
 * Messages that are due and that nobody works on, oldest first, marked as rung so that two sweeps do
 * not ring the same one within `spacingMs`. `graceMs` leaves the first ring its time.
 */
export const takeDueMessages = async (
  db: Database,
  options: { readonly limit: number; readonly graceMs: number; readonly spacingMs: number },
): Promise<readonly DueMessage[]> => {
  const { rows } = await sql<DueMessage>`
    UPDATE messages m SET rung_at = now()
     WHERE m.id IN (
       SELECT id FROM messages
        WHERE settled_at IS NULL AND lease_until IS NULL
          AND next_at <= now() - make_interval(secs => ${options.graceMs / 1000})
          AND (rung_at IS NULL OR rung_at <= now() - make_interval(secs => ${options.spacingMs / 1000}))
        ORDER BY next_at LIMIT ${options.limit} FOR UPDATE SKIP LOCKED)
    RETURNING m.id, m.channel, m.attempt, extract(epoch FROM now() - m.next_at)::float8 AS "overdueSeconds"`.execute(
    db,
  );
  return rows;
};

/** How long the oldest message that is due has been waiting, in seconds; 0 when none waits. The signal to scale on. */
export const oldestDueSeconds = async (db: Database): Promise<number> => {
  const { rows } = await sql<{ seconds: number }>`
    SELECT coalesce(greatest(extract(epoch FROM now() - min(next_at)), 0), 0)::float8 AS seconds
      FROM messages WHERE settled_at IS NULL AND next_at <= now()`.execute(db);
  return rows[0]?.seconds ?? 0;
};
