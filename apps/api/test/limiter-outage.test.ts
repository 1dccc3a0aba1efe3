import { AppError } from '@reconfirm/core/app-error';
import type { LimitSubject } from '@reconfirm/core/limits';
import { readCharges } from '@reconfirm/db/limit-charges';
import { openTcpProxy, type TcpProxy } from '@reconfirm/local-stack';
import { describeWithRedis, redisPrefix, testStores } from '@reconfirm/local-stack/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Limiter } from '../src/limiter/limiter.ts';
import { createPostgresLimiter } from '../src/limiter/postgres.ts';
import type { RedisLimiter } from '../src/limiter/redis.ts';
import { createFallbackLimiter, type FallbackOptions } from '../src/limiter/with-fallback.ts';
import {
  type LimiterRows,
  newId,
  openRedis,
  openRows,
  type RedisUnderTest,
  subjectOf,
} from './support/limiter-stores.ts';

/** How long a call waits for Redis here. */
const redisTimeoutMs = 150;

let rows: LimiterRows;
beforeAll(async () => {
  rows = await openRows();
});
afterAll(() => rows[Symbol.asyncDispose]());

/** A limiter with its fall-back, the changes it told of, and a clock that the test moves. */
const openLimiter = (
  store: Pick<RedisUnderTest, 'limiter'>,
  onError: FallbackOptions['onError'] = 'postgres',
  fallback: Limiter = createPostgresLimiter(rows.db),
) => {
  const changes: boolean[] = [];
  let nowMs = 0;
  const limiter = createFallbackLimiter({
    primary: store.limiter,
    fallback,
    beginWithout: rows.beginWithout,
    onError,
    nowMs: () => nowMs,
    onChange: ({ working }) => changes.push(working),
  });
  const letRestPass = (): void => {
    nowMs += 1000;
  };
  return { limiter, changes, letRestPass };
};

const chargesInRows = async (subject: LimitSubject): Promise<readonly string[]> =>
  (await readCharges(rows.db, subject)).map(({ charge }) => charge);

/** What prepares a test may take longer than a request may. */
const patiently = (work: () => Promise<unknown>): Promise<void> =>
  expect
    .poll(
      () =>
        work().then(
          () => 'done',
          () => 'not yet',
        ),
      { timeout: 15_000 },
    )
    .toBe('done');

/** Asks again after each rest, as requests do, until Redis answers. */
const untilWorking = async ({
  limiter,
  letRestPass,
}: Pick<ReturnType<typeof openLimiter>, 'limiter' | 'letRestPass'>): Promise<void> => {
  const subject = subjectOf('ip', [1, 60]);
  await expect
    .poll(
      async () => {
        letRestPass();
        await limiter.peek(subject);
        return limiter.isPrimaryWorking();
      },
      { timeout: 15_000, interval: 50 },
    )
    .toBe(true);
};

/** Redis' deadline once for asking what it remembers and once for the charge, and room for Postgres on a busy machine. */
const callMsMax = 2 * redisTimeoutMs + 700;

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
};

describeWithRedis('when Redis goes away', (url) => {
  let proxy: TcpProxy;
  let store: RedisUnderTest;
  beforeEach(async () => {
    proxy = await openTcpProxy(url);
    store = openRedis(proxy.url, rows, { timeoutMs: redisTimeoutMs });
    await patiently(() => store.redis.ping());
  });
  afterEach(async () => {
    store[Symbol.dispose]();
    await proxy[Symbol.asyncDispose]();
  });

  test('what was accepted before still counts, by its row', async () => {
    const { limiter } = openLimiter(store);
    const subject = subjectOf('address', [1, 60]);
    const id = newId();
    expect((await limiter.charge(subject, id)).allowed).toBe(true);
    await rows.accept(subject, id);
    await proxy.become('closed');
    expect(await limiter.charge(subject, newId())).toMatchObject({ allowed: false, retryAfterSeconds: 60 });
  });

  test('and comes back, what was charged meanwhile still counts', async () => {
    const opened = openLimiter(store);
    const { limiter } = opened;
    const subject = subjectOf('address', [1, 60]);
    await patiently(store.rememberForADay);
    await proxy.become('closed');
    await limiter.peek(subjectOf('ip', [1, 60]));
    // By another process: what this one asked of Redis in vain may still reach it.
    expect((await createPostgresLimiter(rows.db).charge(subject, newId())).allowed).toBe(true);
    await proxy.become('open');
    await untilWorking(opened);
    expect(await limiter.charge(subject, newId())).toMatchObject({ allowed: false });
    expect(limiter.isPrimaryWorking()).toBe(true);
  });

  test('each change is told once, however many requests meet it', async () => {
    const opened = openLimiter(store);
    const { limiter, changes, letRestPass } = opened;
    const charges = () =>
      Promise.all(Array.from({ length: 20 }, () => limiter.charge(subjectOf('ip', [1, 60]), newId())));
    await charges();
    expect(changes).toEqual([]);
    await proxy.become('closed');
    await charges();
    letRestPass();
    await charges();
    expect(changes).toEqual([false]);
    await proxy.become('open');
    await untilWorking(opened);
    await charges();
    expect(changes).toEqual([false, true]);
  });

  test.each(['silent', 'closed'] as const)(
    'and is %s, no call takes longer than its deadline',
    async (mode) => {
      const { limiter, letRestPass } = openLimiter(store);
      const subject = subjectOf('ip', [100, 60]);
      await limiter.charge(subject, newId());
      await proxy.become(mode);
      for (let round = 0; round < 3; round += 1) {
        const calls = Array.from({ length: 10 }, () => timed(() => limiter.charge(subject, newId())));
        expect(Math.max(...(await Promise.all(calls)))).toBeLessThan(callMsMax);
        expect(await timed(() => limiter.peek(subject))).toBeLessThan(callMsMax);
        expect(await timed(() => limiter.refund(subject, newId()))).toBeLessThan(callMsMax);
        letRestPass();
      }
    },
  );

  test('requests do not each wait for it: until its rest is over Redis is not asked', async () => {
    let asked = 0;
    const counted: RedisLimiter = {
      ...store.limiter,
      peek: (subject) => {
        asked += 1;
        return store.limiter.peek(subject);
      },
      distrust: () => {
        asked += 1;
        return store.limiter.distrust();
      },
    };
    const { limiter, letRestPass } = openLimiter({ limiter: counted });
    await proxy.become('closed');
    for (let i = 0; i < 5; i += 1) await limiter.peek(subjectOf('ip', [1, 60]));
    expect(asked).toBe(1);
    await proxy.become('open');
    await untilWorking({ limiter, letRestPass });
    expect(asked).toBeGreaterThan(1);
  });
});

describeWithRedis('a request that was charged and is no row yet', (url) => {
  const chargedUnder = async (limiter: Limiter, subject: LimitSubject, id: string): Promise<number> => {
    const { allowed, memory } = await limiter.charge(subject, id);
    expect(allowed).toBe(true);
    return memory ?? 0;
  };

  test('is none any more when Redis was emptied and another was charged: one of them is written', async () => {
    const prefix = redisPrefix(testStores());
    using store = openRedis(url, rows, { prefix });
    using other = openRedis(url, rows, { prefix });
    const subject = subjectOf('address', [1, 60]);
    const [one, two] = [newId(), newId()];
    const before = await chargedUnder(store.limiter, subject, one);
    await store.empty();
    const after = await chargedUnder(other.limiter, subject, two);
    expect(await rows.accept(subject, one, before)).toBe('not_written');
    expect(await rows.accept(subject, two, after)).toBe('accepted');
    expect(await store.limiter.charge(subject, one)).toMatchObject({ allowed: false });
  });

  test('counts when it became one before Redis was emptied, however it was charged', async () => {
    const prefix = redisPrefix(testStores());
    using store = openRedis(url, rows, { prefix });
    using other = openRedis(url, rows, { prefix });
    const subject = subjectOf('address', [1, 60]);
    const id = newId();
    const memory = await chargedUnder(store.limiter, subject, id);
    await store.empty();
    // Nobody has asked the emptied one: nothing was let through by it.
    expect(await rows.accept(subject, id, memory)).toBe('accepted');
    expect(await other.limiter.charge(subject, newId())).toMatchObject({ allowed: false });
  });

  test('is none any more when Redis was emptied between its charge there and that in the rows', async () => {
    const prefix = redisPrefix(testStores());
    using store = openRedis(url, rows, { prefix });
    using other = openRedis(url, rows, { prefix });
    const subject = subjectOf('address', [1, 60]);
    const [one, two] = [newId(), newId()];
    let after: number | undefined;
    const inRows = createPostgresLimiter(rows.db);
    const { limiter } = openLimiter(store, 'postgres', {
      ...inRows,
      chargeTogether: async (subjects, id) => {
        if (after === undefined) {
          await store.empty();
          after = await chargedUnder(other.limiter, subject, two);
        }
        return inRows.chargeTogether(subjects, id);
      },
    });
    // Somebody else may be without Redis, so it charges in both.
    limiter.forget(0);
    const { allowed, memory: before } = await limiter.charge(subject, one);
    expect(allowed).toBe(true);
    expect(await rows.accept(subject, one, before)).toBe('not_written');
    expect(await rows.accept(subject, two, after)).toBe('accepted');
    limiter.forget(before ?? 0);
    expect(await limiter.charge(subject, one)).toMatchObject({ allowed: false });
  });

  test('is none any more when another process lost Redis and was charged in the rows', async () => {
    await using proxy = await openTcpProxy(url);
    const prefix = redisPrefix(testStores());
    using store = openRedis(url, rows, { prefix });
    using other = openRedis(proxy.url, rows, { prefix });
    const { limiter } = openLimiter(other);
    const subject = subjectOf('address', [1, 60]);
    const id = newId();
    const memory = await chargedUnder(store.limiter, subject, id);
    await proxy.become('closed');
    expect(await limiter.charge(subject, newId())).toMatchObject({ allowed: true });
    expect(await rows.accept(subject, id, memory)).toBe('not_written');
    // Told so, the process that still has Redis reads the rows again.
    store.limiter.forget(memory);
    await store.limiter.refund(subject, id);
    expect(await store.limiter.charge(subject, id)).toMatchObject({ allowed: false });
  });
});

describeWithRedis('two processes that lose Redis and have it again at different times', (url) => {
  const openBoth = async (proxy: TcpProxy) => {
    const prefix = redisPrefix(testStores());
    const stores = [openRedis(proxy.url, rows, { prefix }), openRedis(proxy.url, rows, { prefix })] as const;
    for (const store of stores) await patiently(store.rememberForADay);
    const [one, other] = [openLimiter(stores[0]), openLimiter(stores[1])];
    const close = (): void => stores.forEach((store) => store[Symbol.dispose]());
    return { one, other, [Symbol.dispose]: close };
  };
  const charge = async ({ limiter }: { limiter: Limiter }, subject: LimitSubject): Promise<boolean> =>
    (await limiter.charge(subject, newId())).allowed;
  const untilWorkingAgain = async (one: ReturnType<typeof openLimiter>): Promise<void> => {
    await expect
      .poll(
        async () => {
          one.letRestPass();
          await charge(one, subjectOf('address', [1, 60]));
          return one.limiter.isPrimaryWorking();
        },
        { timeout: 15_000 },
      )
      .toBe(true);
  };

  test('count for each other what one charges in Redis and the other still in the rows', async () => {
    await using proxy = await openTcpProxy(url);
    using both = await openBoth(proxy);
    const { one, other } = both;
    await proxy.become('closed');
    const subject = subjectOf('address', [3, 60]);
    expect([await charge(one, subject), await charge(other, subject)]).toEqual([true, true]);
    await proxy.become('open');
    await untilWorkingAgain(one);
    expect(other.limiter.isPrimaryWorking()).toBe(false);
    // In Redis the subject is known from here on, and the next charge is not told to it.
    expect((await one.limiter.peek(subject)).states[0]?.remaining).toBe(1);
    expect(await charge(other, subject)).toBe(true);
    expect(await charge(one, subject)).toBe(false);
    // So it stays when both have it again, and charge in both no more.
    await untilWorkingAgain(other);
    for (const { letRestPass } of [one, other]) for (let rest = 0; rest < 4; rest += 1) letRestPass();
    expect([await charge(one, subject), await charge(other, subject)]).toEqual([false, false]);
  });

  test('one that keeps Redis charges in the rows too, once it learns that the other is without', async () => {
    await using proxy = await openTcpProxy(url);
    const prefix = redisPrefix(testStores());
    using kept = openRedis(url, rows, { prefix });
    using lost = openRedis(proxy.url, rows, { prefix });
    await patiently(kept.rememberForADay);
    const [one, other] = [openLimiter(kept), openLimiter(lost)];
    const subject = subjectOf('address', [2, 60]);
    const id = newId();
    const { memory = 0 } = await one.limiter.charge(subject, id);
    await proxy.become('closed');
    expect(await charge(other, subjectOf('address', [1, 60]))).toBe(true);
    expect(await rows.accept(subject, id, memory)).toBe('not_written');
    one.limiter.forget(memory);
    await one.limiter.refund(subject, id);
    expect(await one.limiter.charge(subject, id)).toMatchObject({ allowed: true });
    expect(await chargesInRows(subject)).toContain(id);
    expect(await charge(other, subject)).toBe(true);
    expect(await charge(one, subject)).toBe(false);
  });

  test('one that begins while the other is without charges in the rows too', async () => {
    await using proxy = await openTcpProxy(url);
    const prefix = redisPrefix(testStores());
    using kept = openRedis(url, rows, { prefix });
    using lost = openRedis(proxy.url, rows, { prefix });
    using begins = openRedis(url, rows, { prefix });
    await patiently(kept.rememberForADay);
    const [one, other, third] = [openLimiter(kept), openLimiter(lost), openLimiter(begins)];
    // As if no test before this one had lost Redis.
    await rows.db.updateTable('limit_memory').set({ without_at: null }).execute();
    const subject = subjectOf('address', [3, 60]);
    const id = newId();
    const { memory = 0 } = await one.limiter.charge(subject, id);
    await proxy.become('closed');
    expect(await charge(other, subject)).toBe(true);
    const begun = newId();
    expect(await third.limiter.charge(subject, begun)).toMatchObject({ allowed: true });
    expect(await chargesInRows(subject)).toContain(begun);
    expect(await charge(other, subject)).toBe(true);
    expect(await charge(third, subject)).toBe(false);
    // The one that had Redis all the time finds out, too: its memory did not begin again.
    expect(await rows.accept(subject, id, memory)).toBe('not_written');
  });
});

describeWithRedis('a Redis that is replaced between two requests', (url) => {
  test('by one that missed the last charges, opens nothing: they count by their rows', async () => {
    await using proxy = await openTcpProxy(url);
    using store = openRedis(proxy.url, rows);
    const { limiter, changes } = openLimiter(store);
    const subject = subjectOf('address', [1, 60]);
    await patiently(store.rememberForADay);
    const id = newId();
    expect((await limiter.charge(subject, id)).allowed).toBe(true);
    await rows.accept(subject, id);
    // What a promoted replica or an old snapshot knows: since when Redis remembers, and not the last charge.
    await store.redis.del(...(await store.keys()).filter((key) => !key.endsWith(':since')));
    const again = new Promise<void>((resolve) => {
      store.redis.once('close', () => store.redis.once('ready', () => resolve()));
    });
    proxy.resetConnections();
    await again;
    expect(await limiter.charge(subject, newId())).toMatchObject({ allowed: false });
    expect(changes, 'no request was made while it was away').toEqual([]);
  });
});

describeWithRedis('a Redis that never answered since the start', (url) => {
  test('delays no call beyond its deadline', async () => {
    await using proxy = await openTcpProxy(url, { first: 'silent' });
    using store = openRedis(proxy.url, rows, { timeoutMs: redisTimeoutMs });
    const { limiter } = openLimiter(store);
    const subject = subjectOf('ip', [100, 60]);
    expect(await timed(() => limiter.charge(subject, newId()))).toBeLessThan(callMsMax);
  });
});

describe('without Redis', () => {
  let store: RedisUnderTest;
  beforeAll(() => {
    // tcpmux: nobody listens there.
    store = openRedis('redis://127.0.0.1:1', rows, { timeoutMs: redisTimeoutMs });
  });
  afterAll(() => store[Symbol.dispose]());

  test('LIMITER_ON_ERROR=closed refuses every request with a fault that says when to come back', async () => {
    const { limiter } = openLimiter(store, 'closed');
    const subject = subjectOf('ip', [1, 60]);
    const fault = await limiter.charge(subject, newId()).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(AppError);
    expect(fault).toMatchObject({ code: 'limiter_unavailable', retryAfterSeconds: 2 });
    await expect(limiter.peek(subject)).rejects.toMatchObject({ code: 'limiter_unavailable' });
    await expect(limiter.refund(subject, newId())).resolves.toBeUndefined();
  });

  test('LIMITER_ON_ERROR=open allows every request', async () => {
    const { limiter } = openLimiter(store, 'open');
    const subject = subjectOf('ip', [1, 60]);
    for (let i = 0; i < 3; i += 1) expect((await limiter.charge(subject, newId())).allowed).toBe(true);
  });
});

test('a limiter knows nothing of accounts: it counts the same in a database without them', async () => {
  await using emptied = await openRows();
  await emptied.db.schema.dropTable('accounts').cascade().execute();
  const limiter = createPostgresLimiter(emptied.db);
  const subject = subjectOf('address', [1, 60]);
  expect((await limiter.charge(subject, newId())).allowed).toBe(true);
  expect((await limiter.charge(subject, newId())).allowed).toBe(false);
});
