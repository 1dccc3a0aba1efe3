import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPostgresLimiter } from '../src/limiter/postgres.ts';
import { createFallbackLimiter, type FallbackLimiter } from '../src/limiter/with-fallback.ts';
import { testLimiter } from './support/limiter-guarantees.ts';
import {
  type LimiterRows,
  newId,
  openRedis,
  openRows,
  type RedisUnderTest,
  subjectOf,
} from './support/limiter-stores.ts';

let rows: LimiterRows;
beforeAll(async () => {
  rows = await openRows();
});
afterAll(() => rows[Symbol.asyncDispose]());

describe('limits in Postgres', () => {
  testLimiter(() => ({ limiter: createPostgresLimiter(rows.db), letTimePass: rows.letTimePass }));

  test('count what was accepted, wherever it was charged', async () => {
    const limiter = createPostgresLimiter(rows.db);
    for (const kind of ['ip', 'address'] as const) {
      const subject = subjectOf(kind, [1, 60]);
      await rows.accept(subject, newId());
      expect(await limiter.charge(subject, newId())).toMatchObject({ allowed: false, retryAfterSeconds: 60 });
    }
  });
});

describeWithRedis('limits in Redis', (url) => {
  let store: RedisUnderTest;
  beforeAll(() => {
    store = openRedis(url, rows);
  });
  afterAll(() => store[Symbol.dispose]());

  testLimiter(() => ({ limiter: store.limiter, letTimePass: store.letTimePass }));
});

describe('limits while Redis is away', () => {
  let store: RedisUnderTest;
  let limiter: FallbackLimiter;
  beforeAll(() => {
    // tcpmux: nobody listens there.
    store = openRedis('redis://127.0.0.1:1', rows, { timeoutMs: 150 });
    limiter = createFallbackLimiter({
      primary: store.limiter,
      fallback: createPostgresLimiter(rows.db),
      beginWithout: rows.beginWithout,
      onError: 'postgres',
      nowMs: () => performance.now(),
      onChange: () => {},
    });
  });
  afterAll(() => store[Symbol.dispose]());

  testLimiter(() => ({ limiter, letTimePass: rows.letTimePass }));

  test('come from elsewhere, and that is known', () => expect(limiter.isPrimaryWorking()).toBe(false));
});
