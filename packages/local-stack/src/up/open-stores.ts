import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase } from '../create-database.ts';
import { startPostgres } from '../postgres.ts';
import { findRedisServer, startRedis } from '../redis.ts';
import type { Parts } from './parts.ts';
import { isGiven, type Environment, type StoreSettings } from './process-settings.ts';

export type OpenStoresContext = {
  env: Environment;
  dataDir: string;
  logDir: string;
  parts: Parts;
  signal: AbortSignal;
  progress(part: string, detail: string, startedAt: number): void;
};

const DATABASE_NAME = 'reconfirm';
// Three rounds of 5 s: a fast shutdown here takes 10 ms, and what it does not manage recovery does.
const POSTGRES_STOP_TIMEOUT_MS = 800;

const openPostgres = async (context: OpenStoresContext): Promise<string> => {
  const startedAt = performance.now();
  const { env, dataDir, logDir, parts, signal, progress } = context;
  if (isGiven(env, 'DATABASE_URL')) return env.DATABASE_URL ?? '';
  const postgresDir = join(dataDir, 'postgres');
  const postgres = await startPostgres({
    dataDir: postgresDir,
    durable: true,
    logFile: join(logDir, 'postgres.log'),
    stopTimeoutMs: POSTGRES_STOP_TIMEOUT_MS,
    signal,
  });
  parts.add('postgres', postgres);
  await createDatabase(postgres.url('postgres'), DATABASE_NAME);
  const isElsewhere = !postgres.clusterDir.startsWith(realpathSync(postgresDir));
  const place = isElsewhere ? `, data in ${postgres.clusterDir}` : '';
  progress('postgres', `embedded ${postgres.version} on 127.0.0.1:${postgres.port}${place}`, startedAt);
  return postgres.url(DATABASE_NAME);
};

const openRedis = async (context: OpenStoresContext): Promise<string | undefined> => {
  const startedAt = performance.now();
  const { env, dataDir, logDir, parts, progress } = context;
  if (isGiven(env, 'REDIS_URL')) return env.REDIS_URL;
  if (env.QUEUE_BACKEND === 'postgres') return undefined;
  const binary = await findRedisServer(env);
  if (binary === undefined) return undefined;
  const redis = await startRedis({
    binary,
    dataDir: join(dataDir, 'redis'),
    logFile: join(logDir, 'redis.log'),
  });
  parts.add('redis', redis);
  progress('redis', `${binary} on 127.0.0.1:${redis.port}`, startedAt);
  return redis.url;
};

/** Opens both at once. When one fails, the other is already in `parts` and can be stopped. */
export const openStores = async (context: OpenStoresContext): Promise<StoreSettings> => {
  const [postgres, redis] = await Promise.allSettled([openPostgres(context), openRedis(context)]);
  if (postgres.status === 'rejected') throw postgres.reason;
  if (redis.status === 'rejected') throw redis.reason;
  return { databaseUrl: postgres.value, redisUrl: redis.value };
};

/** One line: what was taken, and how to get the other. */
export const describeStores = (env: Environment, stores: StoreSettings): string => {
  const database = isGiven(env, 'DATABASE_URL')
    ? 'Postgres at DATABASE_URL'
    : 'embedded Postgres (DATABASE_URL names another)';
  if (isGiven(env, 'REDIS_URL')) return `Stores: ${database}; Redis at REDIS_URL.`;
  if (stores.redisUrl !== undefined)
    return `Stores: ${database}; a private Redis (REDIS_URL names another, QUEUE_BACKEND=postgres does without).`;
  const reason =
    env.QUEUE_BACKEND === 'postgres'
      ? 'as QUEUE_BACKEND says'
      : 'because no Redis was found; install redis-server or set REDIS_URL to use one';
  return `Stores: ${database}, also for queue and limits (${reason}).`;
};
