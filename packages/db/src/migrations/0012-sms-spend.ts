import { type Kysely, sql } from 'kysely';

/**
 * Money for SMS. Every hand-over is paid for before it happens, out of four budgets at once: its number
 * block, its country, its organization and the installation.
 *
 * Budgets hold for any hour and any day, not for the hours of a clock: a window is summed over buckets of
 * a twelfth or a twenty-fourth of it, and the bucket that reaches over its start counts whole, so that the
 * sum is never below what was spent in the window. One advisory lock serialises all of it: every hand-over
 * counts against the same installation anyway, and a lock that is taken first cannot deadlock.
 */
const statements = [
  `CREATE TABLE sms_sends (
     message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
     attempt integer NOT NULL,
     organization_id uuid NOT NULL,
     country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
     -- The number block: at least a thousand numbers, so that it names nobody.
     prefix text NOT NULL CHECK (prefix ~ '^\\+[1-9][0-9]{2,6}$'),
     cost_micros bigint NOT NULL CHECK (cost_micros >= 0),
     reserved_at timestamptz NOT NULL,
     -- The provider certainly did not take it: the money is there again.
     released_at timestamptz,
     -- False for codes of other systems: nobody tells us whether they are used.
     judged boolean NOT NULL,
     -- Its code was used: what the share of real people is judged by.
     verified_at timestamptz,
     PRIMARY KEY (message_id, attempt)
   )`,
  `CREATE INDEX sms_sends_prefix ON sms_sends (prefix, reserved_at) WHERE released_at IS NULL AND judged`,
  `CREATE INDEX sms_sends_country ON sms_sends (country, reserved_at) WHERE released_at IS NULL AND judged`,
  `CREATE INDEX sms_sends_reserved ON sms_sends (reserved_at) WHERE released_at IS NULL`,

  `CREATE TABLE sms_spend (
     scope text NOT NULL,
     bucket_seconds integer NOT NULL CHECK (bucket_seconds IN (300, 3600)),
     bucket_at timestamptz NOT NULL,
     sends integer NOT NULL,
     cost_micros bigint NOT NULL,
     PRIMARY KEY (scope, bucket_seconds, bucket_at)
   )`,
  `CREATE INDEX sms_spend_old ON sms_spend (bucket_at)`,

  // Blocks and countries that get no SMS until an operator says so; released ones remember from when on they are judged anew.
  `CREATE TABLE sms_pauses (
     scope text PRIMARY KEY CHECK (scope ~ '^(prefix:\\+[1-9][0-9]{2,6}|country:[A-Z]{2})$'),
     paused_at timestamptz NOT NULL DEFAULT now(),
     sends integer NOT NULL,
     verified integer NOT NULL,
     released_at timestamptz
   )`,

  `CREATE FUNCTION sms_scopes(organization uuid, country text, prefix text) RETURNS text[]
     LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
     SELECT ARRAY['prefix:' || prefix, 'country:' || country, 'organization:' || organization, 'global']
   $$`,

  `CREATE FUNCTION charge_sms(scopes text[], at timestamptz, sends integer, cost bigint) RETURNS void
     LANGUAGE sql AS $$
     INSERT INTO sms_spend AS s (scope, bucket_seconds, bucket_at, sends, cost_micros)
     SELECT scope, b.seconds, to_timestamp(floor(extract(epoch FROM at) / b.seconds) * b.seconds), $3, $4
       FROM unnest(scopes) scope, (VALUES (300), (3600)) b (seconds)
     ON CONFLICT (scope, bucket_seconds, bucket_at) DO UPDATE
        SET sends = s.sends + excluded.sends, cost_micros = s.cost_micros + excluded.cost_micros
   $$`,

  // caps: kind of scope, window and bucket in seconds, most sends and most money (null: any). The first that has no room is named.
  `CREATE FUNCTION reserve_sms(
       message uuid, send_attempt integer, organization uuid, to_country text, to_prefix text, cost bigint, is_judged boolean,
       cap_kinds text[], cap_windows integer[], cap_buckets integer[], cap_sends integer[], cap_micros bigint[])
     RETURNS text LANGUAGE plpgsql AS $$
   DECLARE
     scopes text[] := sms_scopes(organization, to_country, to_prefix);
     reserved timestamptz;
     refusal text;
   BEGIN
     PERFORM pg_advisory_xact_lock(hashtextextended('reconfirm sms spend', 0));
     -- The clock is read behind the lock, so that buckets are filled in the order of the calls.
     reserved := clock_timestamp();
     PERFORM FROM sms_sends WHERE message_id = message AND attempt = send_attempt AND released_at IS NULL;
     IF FOUND THEN RETURN 'reserved'; END IF;

     SELECT 'paused ' || split_part(p.scope, ':', 1) INTO refusal
       FROM sms_pauses p WHERE p.scope = ANY (scopes) AND p.released_at IS NULL ORDER BY p.scope DESC LIMIT 1;
     IF refusal IS NOT NULL THEN RETURN refusal; END IF;

     SELECT 'budget ' || c.kind INTO refusal
       FROM unnest(cap_kinds, cap_windows, cap_buckets, cap_sends, cap_micros) WITH ORDINALITY
              AS c (kind, window_seconds, bucket_seconds, most_sends, most_micros, position)
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(s.sends), 0) AS sends, coalesce(sum(s.cost_micros), 0) AS micros
          FROM sms_spend s
         WHERE s.scope = (SELECT own FROM unnest(scopes) own WHERE split_part(own, ':', 1) = c.kind)
           AND s.bucket_seconds = c.bucket_seconds
           AND s.bucket_at > reserved - make_interval(secs => c.window_seconds + c.bucket_seconds)) spent
      WHERE spent.sends + 1 > c.most_sends OR spent.micros + cost > c.most_micros
      ORDER BY c.position LIMIT 1;
     IF refusal IS NOT NULL THEN RETURN refusal; END IF;

     PERFORM charge_sms(scopes, reserved, 1, cost);
     INSERT INTO sms_sends (message_id, attempt, organization_id, country, prefix, cost_micros, judged, reserved_at)
     VALUES (message, send_attempt, organization, to_country, to_prefix, cost, is_judged, reserved)
     ON CONFLICT (message_id, attempt) DO UPDATE
        SET reserved_at = excluded.reserved_at, cost_micros = excluded.cost_micros, released_at = NULL;
     RETURN 'reserved';
   END $$`,

  `CREATE FUNCTION release_sms(message uuid, send_attempt integer) RETURNS boolean LANGUAGE plpgsql AS $$
   DECLARE
     freed sms_sends;
   BEGIN
     PERFORM pg_advisory_xact_lock(hashtextextended('reconfirm sms spend', 0));
     UPDATE sms_sends SET released_at = clock_timestamp()
      WHERE message_id = message AND attempt = send_attempt AND released_at IS NULL RETURNING * INTO freed;
     IF NOT FOUND THEN RETURN false; END IF;
     PERFORM charge_sms(sms_scopes(freed.organization_id, freed.country, freed.prefix), freed.reserved_at, -1, -freed.cost_micros);
     RETURN true;
   END $$`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
