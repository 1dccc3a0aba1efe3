import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  createDatabase,
  findFreePort,
  removePostgresData,
  type RunningPostgres,
  startPostgres,
  waitUntil,
} from '@reconfirm/local-stack';
import pg from 'pg';

/** A Postgres of one test's own, that loses nothing it has said to be committed, and that may be killed. */
export interface KillablePostgres extends AsyncDisposable {
  /** Of a migrated database. */
  readonly databaseUrl: string;
  /** Rows of a question, by a connection of its own. */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /**
   * SIGKILL for one process that serves an application whose name begins so, as an out-of-memory killer does
   * it: the server then ends all others itself and recovers from its log. Resolves when it takes connections again.
   */
  killBackendOf(application: string): Promise<void>;
  /** SIGKILL for the server and each of its processes; resolves when the server is gone. */
  killAll(): Promise<void>;
  /** Starts it anew on the same data and port; resolves when it takes connections. */
  start(): Promise<void>;
}

const run = promisify(execFile);
const migration = join(import.meta.dirname, '..', '..', 'db', 'src', 'migrate.ts');
const databaseName = 'reconfirm';
// Crash recovery replays the log of a few seconds of a test, on a machine that may be slow.
const recoveryTimeoutMs = 30_000;
const answerTimeoutMs = 10_000;

export const startKillablePostgres = async (): Promise<KillablePostgres> => {
  await using opened = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'reconfirm-killable-postgres-'));
  opened.defer(() => removePostgresData(dataDir));
  const options = { dataDir, port: await findFreePort(), durable: true };
  let server: RunningPostgres = await startPostgres(options);
  opened.defer(() => server.stop());
  await createDatabase(server.url('postgres'), databaseName);
  await run(process.execPath, [migration], {
    env: { PATH: process.env['PATH'], DATABASE_URL: server.url(databaseName) },
  });

  const query: KillablePostgres['query'] = async (text, values = []) => {
    const client = new pg.Client({
      connectionString: server.url(databaseName),
      connectionTimeoutMillis: answerTimeoutMs,
      query_timeout: answerTimeoutMs,
      application_name: 'proofs',
    });
    // It may be cut by a kill of its own asking.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(text, [...values])).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const pidsWhere = async (condition: string, values: readonly unknown[] = []): Promise<readonly number[]> =>
    (await query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE ${condition}`, values)).map(
      ({ pid }) => pid,
    );
  /** The server itself lives on when one of its processes is killed; this one does not. */
  const checkpointer = async (): Promise<number> => {
    const [pid] = await pidsWhere(`backend_type = 'checkpointer'`);
    return pid ?? 0;
  };

  const stack = opened.move();
  return {
    databaseUrl: server.url(databaseName),
    query,
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
        recoveryTimeoutMs,
      );
    },
    killAll: async () => {
      const pids = await pidsWhere('pid <> pg_backend_pid()');
      for (const pid of [server.pid, ...pids]) killNow(pid);
      await server.exited;
    },
    start: async () => {
      server = await startPostgres(options);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/** A process that has ended by itself meanwhile is as good as killed. */
const killNow = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};
