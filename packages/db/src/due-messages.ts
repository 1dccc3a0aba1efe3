import { sql } from 'kysely';
import type { Channel } from '@reconfirm/core/destination';
import { type Priority, priorities } from '@reconfirm/core/purposes/purpose';
import type { Database } from './database.ts';

export interface DueMessage {
  readonly id: string;
  readonly channel: Channel;
  readonly priority: Priority;
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

/** The most urgent first. Each is looked for by itself: one look into the index, however much is due later. */
const inOrder: readonly Priority[] = Object.values(priorities).toSorted((a, b) => a - b);

/**
 * Messages that are due and that nobody works on, the most urgent first and the oldest of these, marked as
 * rung so that two sweeps do not ring the same one within `spacingMs`. `graceMs` leaves the first ring its time.
 */
export const takeDueMessages = async (
  db: Database,
  options: { readonly limit: number; readonly graceMs: number; readonly spacingMs: number },
): Promise<readonly DueMessage[]> => {
  const { rows } = await sql<DueMessage>`
    WITH due AS (
      SELECT found.id FROM unnest(${inOrder}::smallint[]) AS p (priority)
       CROSS JOIN LATERAL (
         SELECT id, priority, next_at FROM messages
          WHERE priority = p.priority AND settled_at IS NULL AND lease_until IS NULL
            AND next_at <= now() - make_interval(secs => ${options.graceMs / 1000})
            AND (rung_at IS NULL OR rung_at <= now() - make_interval(secs => ${options.spacingMs / 1000}))
          ORDER BY next_at LIMIT ${options.limit} FOR UPDATE SKIP LOCKED) found
       ORDER BY found.priority, found.next_at LIMIT ${options.limit}),
    rung AS (
      UPDATE messages m SET rung_at = now() FROM due WHERE m.id = due.id
      RETURNING m.id, m.channel, m.priority, m.attempt, m.next_at)
    SELECT id, channel, priority, attempt, extract(epoch FROM now() - next_at)::float8 AS "overdueSeconds"
      FROM rung ORDER BY priority, next_at`.execute(db);
  return rows;
};

/** How long the oldest message that is due has been waiting, in seconds; 0 when none waits. The signal to scale on. */
export const oldestDueSeconds = async (db: Database): Promise<number> => {
  const { rows } = await sql<{ seconds: number }>`
    SELECT coalesce(extract(epoch FROM now() - min(oldest.next_at)), 0)::float8 AS seconds
      FROM unnest(${inOrder}::smallint[]) AS p (priority)
     CROSS JOIN LATERAL (
       SELECT next_at FROM messages
        WHERE priority = p.priority AND settled_at IS NULL AND next_at <= now()
        ORDER BY next_at LIMIT 1) oldest`.execute(db);
  return rows[0]?.seconds ?? 0;
};
