import { type Environment, readWorkerConfig } from '@reconfirm/core/config/config';
import { type KeyRing, parseKeyRing } from '@reconfirm/core/token';
import type { Ring } from '@reconfirm/queue/doorbell';
import { createDoorbells } from '@reconfirm/queue/doorbells';
import { postgresBackend, type QueueBackend } from '@reconfirm/queue/backend';
import { connectForCalls } from '@reconfirm/queue/redis';
import { type Database, openDatabase } from '@reconfirm/db/database';
import type { MessageRow } from '@reconfirm/db/schema';
import { createTestDatabase, redisPrefix, testStores } from '@reconfirm/local-stack/testing';
import { createLogger, type Logger } from '@reconfirm/process/logger';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { eventually } from './eventually.ts';
import { hashKey } from './requests.ts';

export type LogLine = Readonly<Record<string, unknown>>;

const attemptsOf = (db: Database, messageId: string) =>
  db.selectFrom('attempts').selectAll().where('message_id', '=', messageId).orderBy('number').execute();

export type Attempt = Awaited<ReturnType<typeof attemptsOf>>[number];

/** A database and a queue of a test's own, and workers on them that end with the test. */
export interface Scene extends AsyncDisposable {
  readonly db: Database;
  readonly databaseUrl: string;
  /** Everything that the workers of this scene have logged. */
  readonly lines: readonly LogLine[];
  readonly log: Logger;
  /** Settings of a worker on this scene, as environment variables. */
  environment(changes?: Environment): Environment;
  start(changes?: Environment): Promise<RunningWorker>;
  /** Rings for messages, as the API does after its commit. */
  ring(...messageIds: readonly string[]): Promise<void>;
  /** The same in the queue of SMS. */
  ringSms(...messageIds: readonly string[]): Promise<void>;
  /** Empties this scene's part of Redis, as a restart without persistence would. */
  emptyRedis(): Promise<void>;
  /** Takes the waiting list out of Redis and leaves the jobs, as an eviction would: rings of them are swallowed. */
  loseWaitingList(): Promise<void>;
  message(id: string): Promise<MessageRow>;
  /** Waits until a message is settled and resolves with its row. */
  settled(id: string, timeoutMs?: number): Promise<MessageRow>;
  attempts(id: string): Promise<readonly Attempt[]>;
  /** Makes deferred messages due now, as if their wait were over. */
  skipWait(...ids: readonly string[]): Promise<void>;
  /** Makes the lease of a message run out, as if its worker had died some time ago. */
  endLease(id: string): Promise<void>;
}

export type SceneBackend = 'redis' | 'postgres';

const firstKey = `1:${Buffer.alloc(32, 1).toString('base64')}`;

/** The ring that the workers of a scene have, unless a test gives them another. */
export const firstKeyRing = parseKeyRing(firstKey) as KeyRing;

/** Opens a scene on Redis where the test run has one, else on the Postgres queue. */
export const openScene = async (smtpUrl: string, wanted?: SceneBackend): Promise<Scene> => {
  const stores = testStores();
  const backend = wanted ?? (stores.redisUrl === null ? 'postgres' : 'redis');
  const database = await createTestDatabase(stores);
  const prefix = redisPrefix(stores);
  const db = openDatabase({
    url: database.url,
    poolMax: 4,
    timeoutMs: 10_000,
    applicationName: 'test-scene',
    onIdleError: () => {},
  });
  const lines: LogLine[] = [];
  const log = createLogger('test', 'info', { write: (line) => lines.push(JSON.parse(line) as LogLine) });
  const workers: RunningWorker[] = [];
  const bell = openBell(backend, database.url, prefix, stores.redisUrl ?? '');

  const environment = (changes: Environment = {}): Environment => ({
    NODE_ENV: 'development',
    DATABASE_URL: database.url,
    QUEUE_BACKEND: backend,
    ...(backend === 'redis' && stores.redisUrl !== null && { REDIS_URL: stores.redisUrl }),
    REDIS_PREFIX: prefix,
    PUBLIC_URL: 'https://verify.example.com',
    TOKEN_KEYS: firstKey,
    ADDRESS_HASH_KEY: hashKey.reveal(),
    EMAIL_PROVIDER: 'smtp',
    SMTP_URL: smtpUrl,
    SMTP_TLS: 'off',
    MAIL_FROM: 'Reconfirm <no-reply@mail.example.com>',
    OPS_HOST: '127.0.0.1',
    OPS_PORT: '0',
    SWEEP_INTERVAL_MS: '200',
    LEASE_SECONDS: '3',
    ...changes,
  });
  const start = async (changes?: Environment): Promise<RunningWorker> => {
    const read = readWorkerConfig(environment(changes));
    if ('problems' in read) throw new Error(read.problems.join('; '));
    const worker = await startWorker(read.config, log);
    workers.push(worker);
    return worker;
  };
  const message = (id: string): Promise<MessageRow> =>
    db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

  return {
    db,
    databaseUrl: database.url,
    lines,
    log,
    environment,
    start,
    ring: (...ids) => bell.ring(ids.map((messageId) => ({ messageId, attempt: 0 }))),
    ringSms: (...ids) => bell.ring(ids.map((messageId) => ({ messageId, attempt: 0, channel: 'sms' }))),
    emptyRedis: () => bell.forget('*'),
    loseWaitingList: () => bell.forget('*:wait'),
    message,
    settled: (id, timeoutMs) =>
      eventually(
        `message ${id} is settled`,
        async () => {
          const row = await message(id);
          return row.settled_at === null ? undefined : row;
        },
        timeoutMs,
      ),
    attempts: (id) => attemptsOf(db, id),
    skipWait: async (...ids) => {
      await db
        .updateTable('messages')
        .set({ next_at: new Date(Date.now() - 60_000), rung_at: null })
        .where('id', 'in', ids)
        .execute();
    },
    endLease: async (id) => {
      await db
        .updateTable('messages')
        .set({ lease_until: new Date(Date.now() - 1000) })
        .where('id', '=', id)
        .execute();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.stop(2000)));
      await bell.close();
      await db.destroy();
      await database.drop();
    },
  };
};

interface Bell {
  ring(rings: readonly Ring[]): Promise<void>;
  forget(suffix: string): Promise<void>;
  close(): Promise<void>;
}

/** Opened with its first use: most tests leave ringing to the sweep. */
const openBell = (backend: SceneBackend, databaseUrl: string, prefix: string, redisUrl: string): Bell => {
  const redis =
    backend === 'redis'
      ? connectForCalls(redisUrl, { name: prefix, timeoutMs: 5000, onError: () => {} })
      : undefined;
  const queue: QueueBackend =
    redis === undefined
      ? { ...postgresBackend(databaseUrl, prefix), poolMax: 2 }
      : { kind: 'redis', redis, prefix };
  let doorbell: ReturnType<typeof createDoorbells> | undefined;
  return {
    ring: async (rings) => {
      doorbell ??= createDoorbells({ backend: queue, timeoutMs: 5000, onChange: () => {} });
      if (!(await doorbell.ringAll(rings))) throw new Error('the queue took no ring');
    },
    forget: async (suffix) => {
      const keys = (await redis?.keys(`*${prefix}${suffix}`)) ?? [];
      if (keys.length > 0) await redis?.del(keys);
    },
    close: async () => {
      await doorbell?.close();
      redis?.disconnect();
    },
  };
};
