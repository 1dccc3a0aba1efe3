import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findContainerEngine } from './containers.ts';
import { removePostgresData } from './postgres-cluster.ts';
import { startPostgres } from './postgres.ts';
import { findRedisServer, startRedis } from './redis.ts';
import { StackError } from './stack-error.ts';
import { urlOfDatabase } from './test-stores-names.ts';

/** Where the stores of a test run come from: one is taken in the order of DESIGN.md, or forced. */
export const testStoreChoices = ['auto', 'containers', 'local', 'postgres'] as const;
export type TestStoreChoice = (typeof testStoreChoices)[number];

export type OpenedStores = {
  source: 'given' | Exclude<TestStoreChoice, 'auto'>;
  /** One sentence: what was taken, and how to get the other. */
  description: string;
  databaseUrl: (databaseName: string) => string;
  redisUrl: string | undefined;
  close: () => Promise<void>;
};

type Say = (line: string) => void;

/**
 * Opens the stores of a test run. Reads TEST_STORES, TEST_DATABASE_URL, TEST_REDIS_URL,
 * TEST_POSTGRES_IMAGE and TEST_REDIS_IMAGE. Throws StackError with one sentence that says what to do
 * when the forced way is not there; without a forced way there is always a last one.
 */
export const openTestStores = async (env: NodeJS.ProcessEnv, say: Say): Promise<OpenedStores> => {
  const choice = readChoice(env['TEST_STORES']);
  const given = choice === 'auto' ? givenStores(env) : undefined;
  if (given !== undefined) return given;
  if (choice === 'auto' || choice === 'containers') {
    const containers = await containerStores(choice, env, say);
    if (containers !== undefined) return containers;
  }
  if (choice !== 'postgres') {
    const local = await localStores(choice, env);
    if (local !== undefined) return local;
  }
  return postgresStores(choice);
};

const readChoice = (value: string | undefined): TestStoreChoice => {
  if (value === undefined || value === '') return 'auto';
  const choice = testStoreChoices.find((known) => known === value);
  if (choice === undefined) {
    throw new StackError(
      'usage',
      `TEST_STORES is "${value}"; it must be one of ${testStoreChoices.join(', ')}.`,
    );
  }
  return choice;
};

const givenStores = (env: NodeJS.ProcessEnv): OpenedStores | undefined => {
  const databaseUrl = nonEmpty(env['TEST_DATABASE_URL']);
  const redisUrl = nonEmpty(env['TEST_REDIS_URL']);
  if (databaseUrl === undefined) {
    if (redisUrl === undefined) return undefined;
    throw new StackError('usage', 'TEST_REDIS_URL is set without TEST_DATABASE_URL; set both, or neither.');
  }
  return {
    source: 'given',
    description:
      redisUrl === undefined
        ? 'Postgres from TEST_DATABASE_URL and no Redis; set TEST_REDIS_URL for the tests that need it'
        : 'Postgres and Redis from TEST_DATABASE_URL and TEST_REDIS_URL',
    databaseUrl: (databaseName) => urlOfDatabase(databaseUrl, databaseName),
    redisUrl,
    close: async () => undefined,
  };
};

const nonEmpty = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

const containerStores = async (
  choice: TestStoreChoice,
  env: NodeJS.ProcessEnv,
  say: Say,
): Promise<OpenedStores | undefined> => {
  const images = {
    postgres: nonEmpty(env['TEST_POSTGRES_IMAGE']) ?? 'postgres:18-alpine',
    redis: nonEmpty(env['TEST_REDIS_IMAGE']) ?? 'redis:8-alpine',
  };
  const answer = await findContainerEngine(images, env, say);
  if (answer.kind === 'ready') {
    const { databaseUrl, redisUrl, stop } = await answer.engine.start();
    const description = `containers of ${images.postgres} and ${images.redis}; TEST_STORES=local takes local processes instead`;
    return { source: 'containers', description, databaseUrl, redisUrl, close: stop };
  }
  if (answer.kind === 'no-engine') {
    if (choice === 'auto') return undefined;
    throw new StackError(
      'missing_tool',
      'TEST_STORES=containers, but no container engine answers; start one, or set TEST_STORES=local.',
    );
  }
  const advice = 'packages/local-stack/docker/build-images.sh builds it from Debian packages';
  if (choice === 'auto') {
    say(`an engine answers, but ${answer.image} cannot be pulled; ${advice}`);
    return undefined;
  }
  throw new StackError(
    'missing_tool',
    `TEST_STORES=containers, but ${answer.image} is not there and cannot be pulled (${answer.reason}); ${advice}.`,
  );
};

const localStores = async (
  choice: TestStoreChoice,
  env: NodeJS.ProcessEnv,
): Promise<OpenedStores | undefined> => {
  const binary = await findRedisServer(env);
  if (binary === undefined) {
    if (choice === 'auto') return undefined;
    throw new StackError(
      'missing_tool',
      'TEST_STORES=local, but neither redis-server nor valkey-server is on PATH; install one, or set TEST_STORES=postgres.',
    );
  }
  const postgres = await startPrivatePostgres();
  try {
    const redis = await startRedis({ binary });
    return {
      source: 'local',
      description: `embedded Postgres and ${binary}; TEST_STORES=containers takes a container engine instead`,
      databaseUrl: postgres.databaseUrl,
      redisUrl: redis.url,
      close: async () => {
        await redis.stop();
        await postgres.close();
      },
    };
  } catch (error) {
    await postgres.close();
    throw error;
  }
};

const postgresStores = async (choice: TestStoreChoice): Promise<OpenedStores> => {
  const postgres = await startPrivatePostgres();
  const reason =
    choice === 'postgres' ? 'as TEST_STORES=postgres asks' : 'no engine and no redis-server was found';
  return {
    source: 'postgres',
    description: `embedded Postgres and no Redis, ${reason}; install redis-server or start an engine for the tests that need Redis`,
    databaseUrl: postgres.databaseUrl,
    redisUrl: undefined,
    close: postgres.close,
  };
};

const startPrivatePostgres = async (): Promise<Pick<OpenedStores, 'databaseUrl' | 'close'>> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'reconfirm-test-stores-'));
  try {
    const postgres = await startPostgres({ dataDir, durable: false });
    return {
      databaseUrl: (databaseName) => postgres.url(databaseName),
      close: async () => {
        await postgres.stop();
        await removePostgresData(dataDir);
      },
    };
  } catch (error) {
    await removePostgresData(dataDir);
    throw error;
  }
};
