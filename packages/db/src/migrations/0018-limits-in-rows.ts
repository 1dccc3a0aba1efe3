import { type Kysely, sql } from 'kysely';

/**
 * limit_has_room: whether one more message of a subject is within its limits, by the rows alone. `before`:
 * how many of the same statement come before it. The lock is that of charge_limits, and is held until the row is
 * committed: whoever asks next has a snapshot of its own (the function is volatile) and sees it.
 * Additive: a process of the version before asks for nothing.
 */
const statements = [
  `CREATE FUNCTION limit_has_room(subject bytea, maxes integer[], windows integer[], before bigint)
     RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
   BEGIN
     PERFORM pg_advisory_xact_lock(('x' || encode(substring(subject for 8), 'hex'))::bit(64)::bigint);
     RETURN NOT EXISTS (
       SELECT FROM unnest(maxes, windows) AS l (most, seconds)
        WHERE l.most <= before + (
          SELECT count(*) FROM messages m
           WHERE m.limit_key = subject
             AND m.accepted_at > statement_timestamp() - make_interval(secs => l.seconds)));
   END $$`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
