import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDatabase, findRedisServer, startPostgres, startRedis } from '@reconfirm/local-stack';
import { Redis } from 'ioredis';

/** What every process of an installation is told. */
export type Settings = Readonly<Record<string, string>>;

export interface BenchStores extends AsyncDisposable {
  readonly description: string;
  /** A migrated database, a prefix and keys for an installation of this name (small letters and -). */
  install(name: string): Promise<Settings>;
  /**
   * Makes the Redis of an installation believe that it has been remembering for two hours, as it does on
   * nearly every day of its life. While its memory is younger than the longest limit, each subject that
   * it has not seen costs one look at the rows.
   */
  ageRedis(name: string): Promise<void>;
  /** CPU that the stores have used so far; NaN where /proc is not there. */
  cpuMs(): StoresCpu;
}

export interface StoresCpu {
  readonly postgres: number;
  readonly redis: number;
}

const run = promisify(execFile);
const migration = join(import.meta.dirname, '..', '..', '..', 'packages', 'db', 'src', 'migrate.ts');
const ageMs = 2 * 3_600_000;

/** Private stores: a Postgres that waits for the disk at each commit, and a Redis where there is one. */
export const openBenchStores = async (): Promise<BenchStores> => {
  await using opened = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'reconfirm-bench-'));
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  const postgres = opened.use(await startPostgres({ dataDir, durable: true }));
  const binary = await findRedisServer(process.env);
  const redis = binary === undefined ? undefined : opened.use(await startRedis({ binary }));

  const stack = opened.move();
  return {
    description: `Postgres ${postgres.version} with fsync, ${redis === undefined ? 'no Redis (QUEUE_BACKEND=postgres)' : binary}`,
    install: async (name) => {
      await createDatabase(postgres.url('postgres'), name);
      const databaseUrl = postgres.url(name);
      await run(process.execPath, [migration], {
        env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl },
      });
      return {
        NODE_ENV: 'development',
        DATABASE_URL: databaseUrl,
        ...(redis === undefined
          ? { QUEUE_BACKEND: 'postgres' }
          : { QUEUE_BACKEND: 'redis', REDIS_URL: redis.url }),
        REDIS_PREFIX: name,
        PUBLIC_URL: 'http://localhost:3000',
        TOKEN_KEYS: `1:${randomBytes(32).toString('base64')}`,
        ADDRESS_HASH_KEY: randomBytes(32).toString('base64'),
      };
    },
    ageRedis: async (name) => {
      if (redis !== undefined) await age(redis.url, name);
    },
    cpuMs: () => ({
      postgres: cpuMsWhere((pid, parent) => pid === postgres.pid || parent === postgres.pid),
      redis: cpuMsWhere((pid) => pid === redis?.pid),
    }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/**
 * proc(5): after the name come state, parent, ..., utime, stime and the same of children that have
 * ended (15th to 17th field of the line), in ticks of 10 ms.
 */
const cpuMsWhere = (isOurs: (pid: number, parent: number) => boolean): number => {
  try {
    let ticks = 0;
    for (const entry of readdirSync('/proc')) {
      const pid = Number(entry);
      const fields = Number.isInteger(pid) ? statFields(pid) : [];
      if (isOurs(pid, Number(fields[1]))) for (const field of fields.slice(11, 15)) ticks += Number(field);
    }
    return ticks * 10;
  } catch {
    return Number.NaN;
  }
};

/** Of a process that may have ended meanwhile. */
const statFields = (pid: number): readonly string[] => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
};

const age = async (url: string, prefix: string): Promise<void> => {
  const redis = new Redis(url);
  try {
    await redis.set(`{${prefix}:limit}:since`, Date.now() - ageMs);
  } finally {
    redis.disconnect();
  }
};
