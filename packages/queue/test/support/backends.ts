import { randomBytes } from 'node:crypto';
import { uuidV7 } from '@reconfirm/core/message-id';
import { createTestDatabase, redisPrefix, testStores } from '@reconfirm/local-stack/testing';
import { postgresBackend, type QueueBackend } from '../../src/backend.ts';
import { connectForBlocking, connectForCalls } from '../../src/redis.ts';

/** How long a ring may take here. */
export const ringTimeoutMs = 500;

export const newId = (): string => uuidV7(Date.now(), randomBytes(10));

/** A queue of its own: what the producing and the consuming side of it connect to. */
export interface TestQueue extends AsyncDisposable {
  readonly forRings: QueueBackend;
  readonly forJobs: QueueBackend;
}

export interface RedisTestQueue extends TestQueue {
  readonly forRings: Extract<QueueBackend, { kind: 'redis' }>;
  readonly forJobs: Extract<QueueBackend, { kind: 'redis' }>;
}

export const openRedisQueue = (url: string): RedisTestQueue => {
  const prefix = redisPrefix(testStores());
  const onError = (): void => {};
  const rings = connectForCalls(url, { name: `${prefix}-rings`, timeoutMs: ringTimeoutMs, onError });
  const jobs = connectForBlocking(url, { name: `${prefix}-jobs`, onError });
  return {
    forRings: { kind: 'redis', redis: rings, prefix },
    forJobs: { kind: 'redis', redis: jobs, prefix },
    [Symbol.asyncDispose]: async () => {
      rings.disconnect();
      jobs.disconnect();
    },
  };
};

export const openPostgresQueue = async (): Promise<TestQueue> => {
  const database = await createTestDatabase(testStores());
  const backend = { ...postgresBackend(database.url, 'test-queue'), poolMax: 2 };
  return { forRings: backend, forJobs: backend, [Symbol.asyncDispose]: () => database.drop() };
};
