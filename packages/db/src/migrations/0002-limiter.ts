import { type Kysely, sql } from 'kysely';

/**
 * recent_charges: the counted requests of one subject, as age in ms by the database's clock. Accepted
 * messages count by their row, so limits hold for what was charged elsewhere (Redis) as well; a charge
 * and its message share their id and are one. Repetitions of an idempotent request share an id made of
 * the key and the request: the same key with another request is another charge.
 * Ranges begin at statement_timestamp(), which an index can use; ages are by the clock.
 *
 * charge_limits: reads and charges all limits of one subject, all or none. The advisory lock comes
 * first and in a statement of its own: the next statement's snapshot then sees every earlier charge.
 */
const statements = [
  `CREATE FUNCTION charge_id(message_id uuid, idempotency_key bytea, request_hash bytea) RETURNS uuid
     LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
     SELECT CASE WHEN idempotency_key IS NULL THEN message_id ELSE (
       SELECT encode(
         set_byte(set_byte(substring(d.digest for 16),
           6, (get_byte(d.digest, 6) & 15) | 128),
           8, (get_byte(d.digest, 8) & 63) | 128), 'hex')::uuid
         FROM (SELECT sha256(idempotency_key || coalesce(request_hash, ''::bytea)) AS digest) d) END
   $$`,

  `CREATE FUNCTION recent_charges(subject bytea, subject_kind text, window_seconds integer)
     RETURNS TABLE (charge uuid, age_ms double precision) LANGUAGE sql STABLE AS $$
     SELECT c.charge, extract(epoch FROM clock_timestamp() - min(c.charged_at)) * 1000 FROM (
       SELECT l.charge_id AS charge, l.charged_at FROM limit_charges l
        WHERE l.subject_key = subject AND l.charged_at > statement_timestamp() - make_interval(secs => window_seconds)
       UNION ALL
       SELECT charge_id(m.id, m.idempotency_key, m.request_hash), m.accepted_at FROM messages m
        WHERE subject_kind = 'address' AND m.limit_key = subject
          AND m.accepted_at > statement_timestamp() - make_interval(secs => window_seconds)
       UNION ALL
       SELECT charge_id(m.id, m.idempotency_key, m.request_hash), m.accepted_at FROM messages m
        WHERE subject_kind = 'ip' AND m.ip_key = subject
          AND m.accepted_at > statement_timestamp() - make_interval(secs => window_seconds)
     ) c GROUP BY c.charge
   $$`,

  `CREATE FUNCTION charge_limits(
       subject bytea, subject_kind text, new_charge uuid, maxes integer[], windows integer[])
     RETURNS TABLE (charged boolean, ages_ms double precision[]) LANGUAGE plpgsql AS $$
   DECLARE
     ages double precision[];
     known boolean;
     full_up boolean;
   BEGIN
     PERFORM pg_advisory_xact_lock(('x' || encode(substring(subject for 8), 'hex'))::bit(64)::bigint);
     SELECT coalesce(array_agg(r.age_ms), '{}'), coalesce(bool_or(r.charge = new_charge), false)
       INTO ages, known
       FROM recent_charges(subject, subject_kind, (SELECT max(w) FROM unnest(windows) w)) r;
     IF known THEN
       RETURN QUERY SELECT true, ages;
       RETURN;
     END IF;
     SELECT bool_or((SELECT count(*) FROM unnest(ages) age WHERE age < l.seconds * 1000.0) >= l.most)
       INTO full_up FROM unnest(maxes, windows) AS l(most, seconds);
     IF full_up THEN
       RETURN QUERY SELECT false, ages;
       RETURN;
     END IF;
     INSERT INTO limit_charges (subject_key, charge_id, charged_at) VALUES (subject, new_charge, clock_timestamp());
     RETURN QUERY SELECT true, ages || 0::double precision;
   END $$`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
