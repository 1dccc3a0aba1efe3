import { chargeLimits } from '@reconfirm/db/limit-charges';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type LimiterRows,
  newId,
  openRedis,
  openRows,
  type RedisUnderTest,
  subjectOf,
} from './support/limiter-stores.ts';

/** What Redis Cluster hashes of a key: the part between the first braces (cluster specification, "Hash tags"). */
const hashTagOf = (key: string): string => /\{([^}]+)\}/.exec(key)?.[1] ?? key;

describeWithRedis('a limiter on Redis', (url) => {
  let rows: LimiterRows;
  let store: RedisUnderTest;
  beforeAll(async () => {
    rows = await openRows();
    store = openRedis(url, rows);
  });
  afterAll(async () => {
    store[Symbol.dispose]();
    await rows[Symbol.asyncDispose]();
  });
  beforeEach(() => store.empty());

  describe('that was emptied', () => {
    test.each(['address', 'ip'] as const)(
      'opens nothing: what was accepted for an %s is read from the rows',
      async (kind) => {
        const subject = subjectOf(kind, [2, 60]);
        for (const id of [newId(), newId()]) {
          expect((await store.limiter.charge(subject, id)).allowed).toBe(true);
          await rows.accept(subject, id);
        }
        await store.empty();
        expect(await store.limiter.charge(subject, newId())).toMatchObject({
          allowed: false,
          retryAfterSeconds: 60,
        });
      },
    );

    test('counts what it reads from the rows once, also when 20 requests make it read at once', async () => {
      const subject = subjectOf('address', [5, 60]);
      await rows.accept(subject, newId());
      const decisions = await Promise.all(
        Array.from({ length: 20 }, () => store.limiter.charge(subject, newId())),
      );
      expect(decisions.filter((d) => d.allowed)).toHaveLength(4);
    });

    test('opens nothing for subjects that are charged together, of which the rows know one', async () => {
      const [ip, address] = [subjectOf('ip', [5, 60]), subjectOf('address', [1, 60])];
      await rows.accept(address, newId());
      expect(await store.limiter.chargeTogether([ip, address], newId())).toMatchObject([
        { kind: 'ip', allowed: true, states: [{ remaining: 5 }] },
        { kind: 'address', allowed: false, retryAfterSeconds: 60 },
      ]);
    });

    test('lets a request that was charged in the rows pass only beside as many others as are allowed', async () => {
      const subject = subjectOf('address', [2, 60]);
      const id = newId();
      await chargeLimits(rows.db, subject, id);
      await rows.accept(subject, newId());
      expect(await store.limiter.charge(subject, id)).toMatchObject({
        allowed: true,
        states: [{ remaining: 0 }],
      });
      await store.empty();
      await rows.accept(subject, newId());
      expect(await store.limiter.charge(subject, id)).toMatchObject({
        allowed: false,
        retryAfterSeconds: 60,
      });
    });

    test('does not ask the rows again for a subject that it has read', async () => {
      const subject = subjectOf('address', [5, 60]);
      await store.limiter.charge(subject, newId());
      await rows.accept(subject, newId());
      expect((await store.limiter.charge(subject, newId())).states[0]?.remaining).toBe(3);
    });
  });

  test('that has remembered for longer than the window asks the rows for nobody', async () => {
    await store.rememberForADay();
    const subject = subjectOf('address', [1, 60]);
    await rows.accept(subject, newId());
    expect((await store.limiter.charge(subject, newId())).allowed).toBe(true);
  });

  test('that is to be distrusted reads the rows again, and keeps what it counted itself', async () => {
    const subject = subjectOf('address', [3, 60]);
    await store.limiter.charge(subject, newId());
    await store.rememberForADay();
    await rows.accept(subject, newId());
    await store.limiter.distrust();
    expect((await store.limiter.charge(subject, newId())).states[0]?.remaining).toBe(0);
  });

  test('keeps no key longer than its charges count, but the marks of its memory', async () => {
    await store.limiter.charge(subjectOf('ip', [5, 60], [10, 600]), newId());
    const keys = (await store.keys()).filter((key) => !key.endsWith(':since'));
    expect(keys).toHaveLength(1);
    for (const key of keys) {
      expect(await store.redis.pttl(key)).toBeGreaterThan(595_000);
      expect(await store.redis.pttl(key)).toBeLessThanOrEqual(600_000);
    }
  });

  test('leaves no key of a subject that was only looked at', async () => {
    await store.limiter.peek(subjectOf('ip', [5, 60]));
    expect((await store.keys()).filter((key) => !key.endsWith(':since'))).toEqual([]);
  });

  test('keeps all keys in one slot of a cluster, because the subjects of one turn share a call', async () => {
    for (let i = 0; i < 100; i += 1) await store.limiter.charge(subjectOf('address', [1, 60]), newId());
    const keys = await store.keys();
    const marks = new Set(keys.filter((key) => key.endsWith(':since')).map(hashTagOf));
    const subjects = new Set(keys.filter((key) => !key.endsWith(':since')).map(hashTagOf));
    expect(subjects).toEqual(marks);
    expect(subjects.size).toBe(1);
  });

  test('holds neither an address nor anything that can be turned back into one', async () => {
    const subject = subjectOf('address', [1, 60]);
    await store.limiter.charge(subject, newId());
    const key = (await store.keys()).find((name) => !name.endsWith(':since')) ?? '';
    expect(key.endsWith(`:address:${Buffer.from(subject.key).toString('base64url')}`)).toBe(true);
  });

  test('of another installation on the same server counts for itself', async () => {
    using other = openRedis(url, rows);
    const subject = subjectOf('address', [1, 60]);
    expect((await store.limiter.charge(subject, newId())).allowed).toBe(true);
    expect((await other.limiter.charge(subject, newId())).allowed).toBe(true);
    await other.empty();
  });
});
