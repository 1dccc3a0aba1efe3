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
  waitUntil,
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
  /**
   * SIGKILL for one process that serves an application whose name begins so, as an out-of-memory killer does
   * it: the server then ends all others itself and recovers from its log. Resolves when it takes connections again.
   */
  killBackendOf(application: string): Promise<void>;
  /** SIGKILL for the server and each of its processes; resolves when the server is gone. */
  killAll(): Promise<void>;
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
// Crash recovery replays the log of a few seconds of a test, on a machine that may be slow.
const RECOVERY_TIMEOUT_MS = 30_000;

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
  const pidsWhere = (condition: string, values: readonly string[] = []): Promise<readonly number[]> =>
    asAdmin(async (client) => {
      const text = `SELECT pid FROM pg_stat_activity WHERE ${condition}`;
      return (await client.query<{ pid: number }>(text, [...values])).rows.map(({ pid }) => pid);
    });
  /** The server itself lives on when one of its processes is killed; this one does not. */
  const checkpointer = async (): Promise<number> =>
    (await pidsWhere(`backend_type = 'checkpointer'`))[0] ?? 0;

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
    killBackendOf: async (application) => {
      const before = await checkpointer();
      // One that is at work, where there is one.
      const [pid] = await pidsWhere(
        `starts_with(application_name, $1) AND backend_type = 'client backend' ORDER BY state = 'idle', pid`,
        [application],
      );
      if (pid === undefined) throw new Error(`Postgres serves nobody named ${application}`);
      process.kill(pid, 'SIGKILL');
      await waitUntil(
        'Postgres has recovered',
        () =>
          checkpointer().then(
            (now) => now !== 0 && now !== before,
            () => false,
          ),
        RECOVERY_TIMEOUT_MS,
      );
    },
    killAll: async () => {
      const pids = await pidsWhere('pid <> pg_backend_pid()');
      for (const pid of [server.pid, ...pids]) killNow(pid);
      await server.exited;
    },
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

/** A process that has ended by itself meanwhile is as good as killed. */
const killNow = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
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
