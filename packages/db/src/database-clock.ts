import { sql } from 'kysely';
import type { Database } from './database.ts';

/** The server's clock at this moment, not at the begin of a transaction. */
export const readDatabaseClock = async (db: Database): Promise<Date> => {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the database told no time');
  return row.now;
};
