import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDatabase,
  findRedisServer,
  removePostgresData,
  startPostgres,
  startRedis,
} from '@reconfirm/local-stack';
import { openDatabase } from '@reconfirm/db/database';
import { migrate } from '@reconfirm/db/migrator';

export interface TimingStores extends AsyncDisposable {
  readonly description: string;
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
}

/**
 * Stores for one measuring, gone afterwards. Postgres does not wait for the disk: a commit's wait is chance
 * that would hide small differences of work.
 */
export const openTimingStores = async (
  env: Readonly<Record<string, string | undefined>>,
): Promise<TimingStores> => {
  await using opened = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'reconfirm-timing-'));
  opened.defer(() => removePostgresData(dataDir));
  const postgres = opened.use(await startPostgres({ dataDir, durable: false }));
  const binary = await findRedisServer(env);
  const redis = binary === undefined ? null : opened.use(await startRedis({ binary }));
  await createDatabase(postgres.url('postgres'), 'timing');
  const databaseUrl = postgres.url('timing');
  const db = openDatabase({
    url: databaseUrl,
    poolMax: 1,
    timeoutMs: 60_000,
    applicationName: 'timing-migrate',
    onIdleError: () => undefined,
  });
  try {
    await migrate(db);
  } finally {
    await db.destroy();
  }
  const stack = opened.move();
  return {
    description: `Postgres ${postgres.version} without fsync, ${binary ?? 'no Redis'}`,
    databaseUrl,
    redisUrl: redis?.url ?? null,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
