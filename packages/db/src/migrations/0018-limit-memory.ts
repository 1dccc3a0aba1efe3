import { type Kysely, sql } from 'kysely';

/**
 * Which memory of Redis counts: what was charged under an earlier one is not known to it, unless it is a row by
 * then. holds_limit_memory: whether a row may be written that was charged under a memory; from then on until
 * its commit no other can begin. begin_limit_memory: waits for such rows, and lets no more of the earlier memory be
 * written; what is then read of the rows is all that counts. One that was ended by a process without Redis does not begin
 * again, so that whoever has charges under it finds out. begin_limit_rows: the same for a process that has lost Redis, by a
 * number that no Redis has. charge_limits: a charge that is known passes only beside as many others as are allowed, because
 * it may have been made at a moment at which another's was no row yet. All are volatile, so that what they read after the lock is of after the lock. Additive: a
 * process of the version before asks for none.
 */
const statements = [
  `CREATE TABLE limit_memory (
     only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
     since bigint NOT NULL,
     -- The memory that a process without Redis has ended, and when one last said that it is without.
     ended bigint,
     without_at timestamptz
   )`,
  `CREATE FUNCTION holds_limit_memory(memory bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
   BEGIN
     IF memory IS NULL THEN RETURN true; END IF;
     PERFORM pg_advisory_xact_lock_shared(18, 1);
     RETURN EXISTS (SELECT FROM limit_memory WHERE since = memory);
   END $$`,
  `CREATE FUNCTION begin_limit_memory(memory bigint, within_seconds double precision) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
   DECLARE known limit_memory;
   BEGIN
     SELECT * INTO known FROM limit_memory;
     IF known.since IS DISTINCT FROM memory THEN
       PERFORM pg_advisory_xact_lock(18, 1);
       SELECT * INTO known FROM limit_memory;
       IF known.since < 0 AND known.ended = memory THEN RETURN 'ended'; END IF;
       INSERT INTO limit_memory (since) VALUES (memory)
         ON CONFLICT (only_one) DO UPDATE SET since = memory WHERE limit_memory.since <> memory;
     END IF;
     RETURN CASE WHEN known.without_at > clock_timestamp() - make_interval(secs => within_seconds)
       THEN 'beside_rows' ELSE 'alone' END;
   END $$`,
  `CREATE FUNCTION begin_limit_rows(memory bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
   BEGIN
     PERFORM pg_advisory_xact_lock(18, 1);
     INSERT INTO limit_memory (since, without_at) VALUES (memory, clock_timestamp())
       ON CONFLICT (only_one) DO UPDATE SET since = memory, without_at = clock_timestamp(),
         ended = CASE WHEN limit_memory.since > 0 THEN limit_memory.since ELSE limit_memory.ended END;
   END $$`,
  `CREATE OR REPLACE FUNCTION charge_limits(
       subject bytea, subject_kind text, new_charge uuid, maxes integer[], windows integer[])
     RETURNS TABLE (charged boolean, ages_ms double precision[]) LANGUAGE plpgsql AS $$
   DECLARE
     ages double precision[];
     others double precision[];
     known boolean;
     full_up boolean;
   BEGIN
     PERFORM pg_advisory_xact_lock(('x' || encode(substring(subject for 8), 'hex'))::bit(64)::bigint);
     SELECT coalesce(array_agg(r.age_ms), '{}'),
            coalesce(array_agg(r.age_ms) FILTER (WHERE r.charge <> new_charge), '{}'),
            coalesce(bool_or(r.charge = new_charge), false)
       INTO ages, others, known
       FROM recent_charges(subject, subject_kind, (SELECT max(w) FROM unnest(windows) w)) r;
     SELECT coalesce(bool_or((SELECT count(*) FROM unnest(others) age WHERE age < l.seconds * 1000.0) >= l.most), false)
       INTO full_up FROM unnest(maxes, windows) AS l(most, seconds);
     IF full_up OR known THEN
       RETURN QUERY SELECT NOT full_up, ages;
       RETURN;
     END IF;
     INSERT INTO limit_charges (subject_key, charge_id, charged_at) VALUES (subject, new_charge, clock_timestamp());
     RETURN QUERY SELECT true, ages || 0::double precision;
   END $$`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
