import { type Kysely, sql } from 'kysely';

/**
 * Which memory of Redis counts: what was charged under an earlier one is not known to it, unless it is a row by
 * then. holds_limit_memory: whether a row may be written that was charged under a memory; from then on until
 * its commit no other can begin. begin_limit_memory: waits for such rows, and lets no more of the earlier memory be
 * written; what is then read of the rows is all that counts. Both are volatile, so that what they read after the lock
 * is of after the lock. Additive: a process of the version before asks for neither.
 */
const statements = [
  `CREATE TABLE limit_memory (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), since bigint NOT NULL)`,
  `CREATE FUNCTION holds_limit_memory(memory bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
   BEGIN
     IF memory IS NULL THEN RETURN true; END IF;
     PERFORM pg_advisory_xact_lock_shared(18, 1);
     RETURN EXISTS (SELECT FROM limit_memory WHERE since = memory);
   END $$`,
  `CREATE FUNCTION begin_limit_memory(memory bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
   BEGIN
     IF EXISTS (SELECT FROM limit_memory WHERE since = memory) THEN RETURN; END IF;
     PERFORM pg_advisory_xact_lock(18, 1);
     INSERT INTO limit_memory (since) VALUES (memory)
       ON CONFLICT (only_one) DO UPDATE SET since = memory WHERE limit_memory.since <> memory;
   END $$`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
