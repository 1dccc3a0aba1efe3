import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Redis forgot what was charged before it could be a row: nothing was written, and it is to be charged again. */
export type ChargeForgotten = 'charge_forgotten';

/**
 * A transaction that writes what was charged under this memory (`beginLimitMemory`); null: it was charged in the
 * rows, or nowhere. From the first statement to the commit no other memory can begin. It is asked first, because whoever
 * waited for it with rows locked could keep somebody waiting who has it.
 */
export const chargedTransaction = async <T>(
  db: Database,
  limitMemory: number | null | undefined,
  write: (tx: Database) => Promise<T>,
): Promise<T | ChargeForgotten> =>
  db.transaction().execute(async (tx) => {
    if (!(await holdsLimitMemory(tx, limitMemory ?? null))) return 'charge_forgotten';
    return write(tx);
  });

const holdsLimitMemory = async (tx: Database, memory: number | null): Promise<boolean> => {
  if (memory === null) return true;
  const { rows } = await sql<{
    holds: boolean;
  }>`SELECT holds_limit_memory(${memory}::bigint) AS holds`.execute(tx);
  return rows[0]?.holds === true;
};
