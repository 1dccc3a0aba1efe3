import { randomBytes } from 'node:crypto';
import { type ApiConfig, readApiConfig } from '@reconfirm/core/config/config';
import { type Database, openDatabase } from '@reconfirm/db/database';
import { createTestDatabase, redisPrefix, testStores } from '@reconfirm/local-stack/testing';
import { createLogger } from '@reconfirm/process/logger';
import { type Api, createApi, type Outside } from '../../src/api.ts';

export type Settings = Readonly<Record<string, string>>;

export interface TestApi extends Api {
  readonly config: ApiConfig;
  /** Everything that was logged so far, one JSON object a line. */
  readonly logged: () => string;
}

/** One database and one Redis prefix of their own, and as many APIs on them as a test wants. */
export interface Installation {
  /** A pool beside those of the APIs: for looking at rows, and for taking tables away. */
  readonly db: Database;
  readonly settings: Settings;
  startApi(settings?: Settings, outside?: Outside): Promise<TestApi>;
  /** Stops every API and removes the database. */
  close(): Promise<void>;
}

export const adminKey = 'admin-key-of-the-tests-0123456789';
export const webhookKey = 'key-of-the-webhooks-of-the-tests';
export const publicUrl = 'https://verify.example.com';
export const appOrigin = 'https://app.example.com';

const baseSettings = (): Settings => ({
  NODE_ENV: 'production',
  PUBLIC_URL: publicUrl,
  TOKEN_KEYS: `1:${randomBytes(32).toString('base64')}`,
  ADDRESS_HASH_KEY: randomBytes(32).toString('base64'),
  ADMIN_KEY: adminKey,
  MAILGUN_WEBHOOK_SIGNING_KEY: webhookKey,
  REDIRECT_ORIGINS: appOrigin,
  DATABASE_POOL_MAX: '5',
  // Far above what an answer takes here and on a busy machine; files that test deadlines set their own.
  DATABASE_TIMEOUT_MS: '10000',
  LIMITER_TIMEOUT_MS: '5000',
});

/** The configuration that these settings make; throws with every problem. */
export const configOf = (settings: Settings): ApiConfig => {
  const read = readApiConfig(settings);
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  return read.config;
};

/** An API built from settings alone, with its log kept in memory. The caller stops it. */
export const startApi = async (settings: Settings, outside?: Outside): Promise<TestApi> => {
  const config = configOf(settings);
  const lines: string[] = [];
  const log = createLogger('api', config.LOG_LEVEL, { write: (line: string) => void lines.push(line) });
  const api = await createApi(config, log, outside);
  await api.app.ready();
  return { ...api, config, logged: () => lines.join('') };
};

/** Redis where the run has one, else Postgres for everything: the contract must not tell them apart. */
export const openInstallation = async (): Promise<Installation> => {
  const stores = testStores();
  const database = await createTestDatabase(stores);
  const db = openDatabase({
    url: database.url,
    poolMax: 3,
    timeoutMs: 10_000,
    applicationName: 'api-test',
    onIdleError: () => undefined,
  });
  const settings: Settings = {
    ...baseSettings(),
    DATABASE_URL: database.url,
    REDIS_PREFIX: redisPrefix(stores),
    ...(stores.redisUrl === null ? { QUEUE_BACKEND: 'postgres' } : { REDIS_URL: stores.redisUrl }),
  };
  const apis: Api[] = [];
  return {
    db,
    settings,
    startApi: async (more = {}, outside) => {
      const api = await startApi({ ...settings, ...more }, outside);
      apis.push(api);
      return api;
    },
    close: async () => {
      await Promise.all(apis.map((api) => api.stop()));
      await db.destroy();
      await database.drop();
    },
  };
};
