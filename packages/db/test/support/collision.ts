import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Database } from '../../src/database.ts';

/** Waits until as many backends of this database stand before a lock that another one holds. */
const untilWaiting = async (db: Database, backends: number): Promise<void> => {
  await expect
    .poll(
      async () => {
        const { rows } = await sql<{ waiting: number }>`
          SELECT count(*)::int AS waiting FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db);
        return rows[0]?.waiting;
      },
      { timeout: 10_000, interval: 10 },
    )
    .toBe(backends);
};

/**
 * Lets two calls meet at a row: a third transaction holds it until both stand in line, the first of them in
 * front. Whatever each has locked before it came to that row, the other may want afterwards: with two orders
 * of locking they wait for each other, every time.
 */
export const meetAt = async <First, Second>(
  db: Database,
  row: { readonly table: 'accounts' | 'messages'; readonly id: string },
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<readonly [PromiseSettledResult<First>, PromiseSettledResult<Second>]> => {
  const [isHeld, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holder = db.transaction().execute(async (tx) => {
    await sql`SELECT FROM ${sql.table(row.table)} WHERE id = ${row.id} FOR UPDATE`.execute(tx);
    isHeld.resolve();
    await mayEnd.promise;
  });
  await isHeld.promise;
  const both: [Promise<First>, Promise<Second> | undefined] = [first(), undefined];
  await untilWaiting(db, 1);
  both[1] = second();
  await untilWaiting(db, 2);
  mayEnd.resolve();
  await holder;
  return Promise.allSettled([both[0], both[1]]);
};
