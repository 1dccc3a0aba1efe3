import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeExit,
  findFreePort,
  removePostgresData,
  startPostgres,
  startProcess,
  type RunningPostgres,
} from '@reconfirm/local-stack';
import pg from 'pg';

/** A Postgres that one test may crash, stop and starve, with a database that an ordinary role owns. */
export interface OwnPostgres extends AsyncDisposable {
  /** Owns the databases; no superuser. */
  readonly role: string;
  /** Makes a migrated database; resolves to its URL, as that role. */
  createDatabase(name: string): Promise<string>;
  /** The last lines of the server's log. */
  tail(lineCount: number): string[];
  /** Runs SQL as superuser, in a database of the server; each call has a connection of its own. */
  asAdmin<Result>(use: (client: pg.Client) => Promise<Result>, database?: string): Promise<Result>;
  /** Ends the server as `pg_ctl stop -m immediate` does: no checkpoint, every connection is cut. */
  stopImmediately(): Promise<void>;
  /** Starts the server anew on the same data and port; resolves when it takes connections. */
  start(): Promise<void>;
}

const ROLE = 'reconfirm';
const MIGRATE_COMMAND = join(import.meta.dirname, '..', '..', 'db', 'src', 'migrate.ts');
const MIGRATE_TIMEOUT_MS = 60_000;
// Of the superuser's own connections; a server that is busy with its recovery answers later.
const ADMIN_TIMEOUT_MS = 20_000;

/** Makes a cluster that survives crashes: fsync and synchronous commits are on. */
export const startOwnPostgres = async (): Promise<OwnPostgres> => {
  await using opened = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'reconfirm-own-postgres-'));
  opened.defer(() => removePostgresData(dataDir));
  const port = await findFreePort();
  let server: RunningPostgres = await startPostgres({ dataDir, port, durable: true });
  opened.defer(() => server.stop());
  const asAdmin: OwnPostgres['asAdmin'] = (use, database = 'postgres') =>
    withClient(server.url(database), use);
  const { password } = new URL(server.url('postgres'));
  await asAdmin((client) => client.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${password}'`));
  const stack = opened.move();
  return {
    role: ROLE,
    createDatabase: async (name) => {
      await asAdmin((client) => client.query(`CREATE DATABASE ${name} OWNER ${ROLE}`));
      const url = new URL(server.url(name));
      url.username = ROLE;
      await migrateByCommand(url.href);
      return url.href;
    },
    tail: (lineCount) => server.tail(lineCount),
    asAdmin,
    stopImmediately: async () => {
      process.kill(server.pid, 'SIGQUIT');
      await server.exited;
    },
    start: async () => {
      server = await startPostgres({ dataDir, port, durable: true });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

const withClient = async <Result>(
  url: string,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: ADMIN_TIMEOUT_MS,
    query_timeout: ADMIN_TIMEOUT_MS,
    application_name: 'proofs-admin',
  });
  // It may itself be cut by the fault that it makes.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
};

/** Brings a database up to date by `pnpm migrate`, as an operator does. Throws with what it printed. */
export const migrateByCommand = async (databaseUrl: string): Promise<void> => {
  const child = await startProcess({
    name: 'migrate',
    command: process.execPath,
    args: [MIGRATE_COMMAND],
    cwd: '/',
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl },
    stopSteps: [{ signal: 'SIGTERM', timeoutMs: 2000 }],
  });
  const timer = setTimeout(() => void child.stop(), MIGRATE_TIMEOUT_MS);
  const exit = await child.exited;
  clearTimeout(timer);
  if (exit.code !== 0)
    throw new Error(`migrate ended with ${describeExit(exit)}:\n${child.tail(20).join('\n')}`);
};
