import { sql } from 'kysely';
import type { Database } from './database.ts';

/**
 * Names (`application_name`) under which processes of ours are connected to this database now, each once.
 * Of other roles than one's own Postgres shows them too.
 */
export const listProcessNames = async (db: Database): Promise<readonly string[]> => {
  const { rows } = await sql<{ name: string }>`
    SELECT DISTINCT application_name AS name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'reconfirm-%'
    ORDER BY name LIMIT 100`.execute(db);
  return rows.map(({ name }) => name);
};
