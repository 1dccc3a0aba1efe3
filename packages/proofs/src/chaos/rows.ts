import pg from 'pg';

/** What the check reads where the public API does not say enough. The only SQL of the proofs. */
export interface ChaosRows {
  /** Writes down every status that goes back, and every lease that is lost or taken, from here on. */
  watch(): Promise<void>;
  /** Changes that went back in rank. */
  regresses(): Promise<readonly string[]>;
  /** The place of each message in the one order that decides which is the newest. */
  sequence(): Promise<ReadonlyMap<string, bigint>>;
  attempts(): Promise<ReadonlyMap<string, number>>;
  /** How often each event of the provider is there, by the provider's own id (ours begins with the day). */
  events(): Promise<ReadonlyMap<string, number>>;
  /** Accounts whose address was proved more than once. */
  provedTwice(): Promise<readonly string[]>;
  /** Addresses (as keys) with more than `count` accepted messages within `seconds`. */
  overLimit(count: number, seconds: number): Promise<readonly string[]>;
  /**
   * Of every lease that was lost: seconds from its worker's last sign of life (a claim or a renewal) to the claim of the next
   * worker. A message that is hit again is another loss.
   */
  recoverySeconds(leaseSeconds: number): Promise<readonly number[]>;
  /** Seconds from an attempt that has no outcome to the next one of its message, however many faults met it in between. */
  betweenAttemptsSeconds(): Promise<readonly number[]>;
  /** Makes everything due now that waits for a later attempt. */
  hurry(): Promise<void>;
  /** One value of each text-like column of each row, for the search for secrets. */
  texts(): AsyncIterable<string>;
  /** Kills a backend with SIGKILL, as an out-of-memory killer does; the server restarts all others. */
  killBackend(): Promise<boolean>;
  /** Dead rows and size of the tables, in words. */
  bloat(): Promise<readonly string[]>;
  /** Runs a statement that breaks something on purpose. */
  sabotage(statements: readonly string[]): Promise<void>;
  isAnswering(): Promise<boolean>;
}

/** Reads with a connection of its own for each question, because the server is killed in between. */
export const openChaosRows = (url: string): ChaosRows => {
  const query = async <Row extends pg.QueryResultRow>(
    text: string,
    values: unknown[] = [],
  ): Promise<Row[]> => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 5000,
      query_timeout: 120_000,
      application_name: 'chaos',
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };

  return {
    watch: async () => {
      await query(`
        CREATE TABLE chaos_statuses (message_id uuid, before smallint, after smallint);
        CREATE FUNCTION chaos_watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          INSERT INTO chaos_statuses VALUES (NEW.id, OLD.rank, NEW.rank); RETURN NULL; END $$;
        CREATE TRIGGER chaos_watch AFTER UPDATE ON messages FOR EACH ROW
          WHEN (OLD.rank > NEW.rank) EXECUTE FUNCTION chaos_watch()`);
      await query(`
        CREATE TABLE chaos_leases (message_id uuid, at timestamptz, lost_until timestamptz, taken boolean);
        CREATE FUNCTION chaos_watch_leases() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          INSERT INTO chaos_leases VALUES (NEW.id, clock_timestamp(),
            CASE WHEN NEW.lost_leases > OLD.lost_leases THEN OLD.lease_until END, NEW.lease_until IS NOT NULL);
          RETURN NULL; END $$;
        CREATE TRIGGER chaos_watch_leases AFTER UPDATE ON messages FOR EACH ROW
          WHEN (NEW.lost_leases > OLD.lost_leases OR (OLD.lease_until IS NULL AND NEW.lease_until IS NOT NULL))
          EXECUTE FUNCTION chaos_watch_leases()`);
    },
    regresses: async () =>
      (
        await query<{ what: string }>(
          `SELECT format('%s: %s to %s', message_id, before, after) AS what FROM chaos_statuses`,
        )
      ).map(({ what }) => what),
    sequence: async () =>
      new Map(
        (await query<{ id: string; seq: string }>('SELECT id, seq FROM messages')).map(({ id, seq }) => [
          id,
          BigInt(seq),
        ]),
      ),
    attempts: async () =>
      new Map(
        (
          await query<{ id: string; count: number }>(
            `SELECT message_id AS id, count(*)::int AS count FROM attempts GROUP BY 1`,
          )
        ).map(({ id, count }) => [id, count]),
      ),
    events: async () =>
      new Map(
        (
          await query<{ id: string; count: number }>(
            `SELECT split_part(event_id, '/', 2) AS id, count(*)::int AS count FROM delivery_events GROUP BY 1`,
          )
        ).map(({ id, count }) => [id, count]),
      ),
    provedTwice: async () =>
      (
        await query<{ id: string }>(
          `SELECT account_id AS id FROM account_events WHERE type = 'EMAIL_VERIFIED' GROUP BY 1 HAVING count(*) > 1`,
        )
      ).map(({ id }) => id),
    overLimit: async (count, seconds) =>
      (
        await query<{ what: string }>(
          `SELECT format('%s: %s in %s', left(encode(address_key, 'hex'), 8), $1::int + 1, accepted_at - earlier) AS what
           FROM (SELECT address_key, accepted_at,
                   lag(accepted_at, $1) OVER (PARTITION BY address_key ORDER BY accepted_at) AS earlier FROM messages) AS m
           WHERE accepted_at - earlier < make_interval(secs => $2)`,
          [count, seconds],
        )
      ).map(({ what }) => what),
    recoverySeconds: async (leaseSeconds) =>
      (
        await query<{ seconds: number }>(
          `SELECT extract(epoch FROM next.at - (lost.lost_until - make_interval(secs => $1)))::float8 AS seconds
           FROM chaos_leases AS lost JOIN LATERAL (
             SELECT at FROM chaos_leases WHERE message_id = lost.message_id AND taken AND at >= lost.at
             ORDER BY at LIMIT 1) AS next ON true
           WHERE lost.lost_until IS NOT NULL`,
          [leaseSeconds],
        )
      ).map(({ seconds }) => seconds),
    betweenAttemptsSeconds: async () =>
      (
        await query<{ seconds: number }>(
          `SELECT extract(epoch FROM next.started_at - lost.started_at)::float8 AS seconds
           FROM attempts AS lost JOIN LATERAL (
             SELECT started_at FROM attempts WHERE message_id = lost.message_id AND number > lost.number
             ORDER BY number LIMIT 1) AS next ON true
           WHERE lost.result IS NULL`,
        )
      ).map(({ seconds }) => seconds),
    hurry: async () => {
      await query(`UPDATE messages SET next_at = now() WHERE rank < 40 AND next_at > now()`);
    },
    texts: async function* () {
      const columns = await query<{ table: string; column: string; type: string }>(
        `SELECT table_name AS table, column_name AS column, data_type AS type FROM information_schema.columns
         WHERE table_schema = 'public' AND data_type IN ('text', 'bytea', 'json', 'jsonb', 'character varying', 'ARRAY')
           AND table_name NOT LIKE 'chaos_%'`,
      );
      for (const { table, column, type } of columns) {
        // A secret in bytes shows in this form too: escape leaves printable characters as they are.
        const value = type === 'bytea' ? `encode("${column}", 'escape')` : `"${column}"::text`;
        const found = await query<{ text: string | null }>(
          `SELECT string_agg(${value}, E'\\n') AS text FROM "${table}"`,
        );
        if (found[0]?.text != null) yield found[0].text;
      }
    },
    killBackend: async () => {
      const found = await query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
           AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1`,
      );
      const pid = found[0]?.pid;
      if (pid === undefined) return false;
      process.kill(pid, 'SIGKILL');
      return true;
    },
    bloat: async () =>
      (
        await query<{ what: string }>(
          `SELECT format('%s: %s rows, %s dead, %s', relname, n_live_tup, n_dead_tup, pg_size_pretty(pg_total_relation_size(relid))) AS what
           FROM pg_stat_user_tables WHERE n_live_tup + n_dead_tup > 1000 ORDER BY pg_total_relation_size(relid) DESC LIMIT 6`,
        )
      ).map(({ what }) => what),
    sabotage: async (statements) => {
      for (const statement of statements) await query(statement);
    },
    isAnswering: () =>
      query('SELECT 1').then(
        () => true,
        () => false,
      ),
  };
};
