import { once } from 'node:events';
import { Redis } from 'ioredis';
import pg from 'pg';

/** A table or a view, as `schema.table`, each row by column; every value as text, bytes in hex. */
export interface DumpedTable {
  readonly name: string;
  readonly rows: readonly Readonly<Record<string, string | null>>[];
}

/** One column of a table, as `schema.table.column`, with all that stands in it. */
export interface DumpedColumn {
  readonly name: string;
  readonly values: readonly string[];
}

const STATEMENT_TIMEOUT_MS = 30_000;

/** Everything in every table and view of an installation. */
export const dumpPostgres = async (url: string): Promise<readonly DumpedTable[]> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    query_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'dump',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ schema: string; table: string; columns: string[] }>(
      `select table_schema as schema, table_name as table, array_agg(column_name::text order by ordinal_position) as columns
         from information_schema.columns
        where table_schema not in ('pg_catalog', 'information_schema') group by 1, 2`,
    );
    const dumped: DumpedTable[] = [];
    for (const { schema, table, columns } of rows) {
      const texts = columns.map((column) => client.escapeIdentifier(column));
      const found = await client.query<Record<string, string | null>>(
        `select ${texts.map((text) => `${text}::text as ${text}`).join(', ')}
           from ${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)}`,
      );
      dumped.push({ name: `${schema}.${table}`, rows: found.rows });
    }
    return dumped;
  } finally {
    await client.end();
  }
};

export const columnsOf = (tables: readonly DumpedTable[]): readonly DumpedColumn[] =>
  tables.flatMap(({ name, rows }) =>
    Object.keys(rows[0] ?? {}).map((column) => ({
      name: `${name}.${column}`,
      values: rows.flatMap((row) => row[column] ?? []),
    })),
  );

/** Every key of an installation with all that it holds, a line each: `key field value …`. */
export const dumpRedis = async (url: string, prefix: string): Promise<readonly string[]> => {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1, commandTimeout: 10_000 });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    const keys = await redis.keys(`*${prefix}*`);
    return await Promise.all(keys.map(async (key) => `${key} ${await readKey(redis, key)}`));
  } finally {
    redis.disconnect();
  }
};

const readKey = async (redis: Redis, key: string): Promise<string> => {
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return Object.entries(await redis.hgetall(key))
        .flat()
        .join(' ');
    case 'list':
      return (await redis.lrange(key, 0, -1)).join(' ');
    case 'set':
      return (await redis.smembers(key)).join(' ');
    case 'zset':
      return (await redis.zrange(key, '0', '-1', 'WITHSCORES')).join(' ');
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'));
    default:
      return '';
  }
};

export interface RedisWatch extends AsyncDisposable {
  /** Every command that the server has executed since, those of scripts included. */
  readonly commands: readonly string[];
}

/** Listens to everything that is said to a Redis (MONITOR). */
export const watchRedis = async (url: string): Promise<RedisWatch> => {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined);
  await redis.connect();
  const monitor = await redis.monitor();
  const commands: string[] = [];
  monitor.on('error', () => undefined);
  monitor.on('monitor', (_time: string, args: readonly string[]) => {
    commands.push(args.join(' '));
  });
  return {
    commands,
    [Symbol.asyncDispose]: async () => {
      const ended = Promise.all([once(monitor, 'end'), once(redis, 'end')]);
      monitor.disconnect();
      redis.disconnect();
      await ended;
    },
  };
};
