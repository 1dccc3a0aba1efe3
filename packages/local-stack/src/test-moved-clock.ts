import pg from 'pg';

/** What an emptied installation keeps: its schema's own rows, and the organization that always is. */
const keptTables = /migration|^organizations$/;

/** The database's clock, moved by moving everything else: each time in each row becomes so much older. */
export type MovedClock = AsyncDisposable & {
  advance(seconds: number): Promise<void>;
  /** Forgets every row that was written since the installation was made. */
  empty(): Promise<void>;
  /** Statements of the test's own, as the superuser: how it breaks an installation. */
  execute(statements: string): Promise<void>;
};

/**
 * The clock that decides is Postgres' own, which nobody can set for one test. Triggers are off while rows are
 * moved, for time passes without anybody's doing; so the role has to be a superuser.
 */
export const openMovedClock = async (databaseUrl: string): Promise<MovedClock> => {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    query_timeout: 10_000,
    application_name: 'moved-clock',
  });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('set session_replication_role = replica');
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `select format('%I', c.relname) as name,
            coalesce(array_agg(format('%I', a.attname)) filter (where a.atttypid = 'timestamptz'::regtype), '{}') as columns
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
      group by c.relname`,
  );
  const tables = rows.filter(({ name }) => !keptTables.test(name));
  /** Several statements in one text are one transaction. */
  const together = async (statements: readonly string[]): Promise<void> => {
    await client.query(statements.join(';'));
  };
  return {
    advance: (seconds) =>
      together(
        tables
          .filter(({ columns }) => columns.length > 0)
          .map(({ name, columns }) => {
            const moved = columns.map((column) => `${column} = ${column} - interval '${seconds} seconds'`);
            return `update ${name} set ${moved.join(', ')}`;
          }),
      ),
    execute: (statements) => together([statements]),
    empty: () => together(tables.map(({ name }) => `delete from ${name}`)),
    [Symbol.asyncDispose]: () => client.end(),
  };
};
