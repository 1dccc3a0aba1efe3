import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { LimitKind, LimitSubject } from '@reconfirm/core/limits';
import { uuidV7 } from '@reconfirm/core/message-id';
import { type Acceptance, acceptMessages } from '@reconfirm/db/accept-messages';
import { type Database, openDatabase } from '@reconfirm/db/database';
import { beginLimitMemory, beginLimitRows, readCharges } from '@reconfirm/db/limit-charges';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { createTestDatabase, redisPrefix, testStores } from '@reconfirm/local-stack/testing';
import { connectForCalls, type RedisConnection } from '@reconfirm/queue/redis';
import { createRedisLimiter, type RedisLimiter } from '../../src/limiter/redis.ts';

/** A deadline that a busy machine does not meet by being busy. */
const patientMs = 5000;

export const newId = (): string => uuidV7(Date.now(), randomBytes(10));

/** A subject that nobody else uses, with limits like `[1, 60]`. */
export const subjectOf = (
  kind: LimitKind,
  ...limits: readonly (readonly [max: number, windowSeconds: number])[]
): LimitSubject => ({
  kind,
  key: randomBytes(32),
  limits: limits.map(([max, windowSeconds]) => ({ max, windowSeconds })),
  rememberSeconds: Math.max(0, ...limits.map(([, windowSeconds]) => windowSeconds)),
});

/** The arguments of make_interval before its seconds: years, months, weeks, days, hours, minutes. */
const noLongerUnits = [0, 0, 0, 0, 0, 0] as const;

export interface LimiterRows extends AsyncDisposable {
  readonly db: Database;
  /** Writes the row of an accepted request of this subject, charged under a memory of Redis or in no such way. */
  accept(subject: LimitSubject, id: string, memory?: number): Promise<Acceptance | undefined>;
  /** What a process does that loses Redis. */
  beginWithout(): Promise<void>;
  letTimePass(ms: number): Promise<void>;
}

/** A database of its own for one suite. */
export const openRows = async (): Promise<LimiterRows> => {
  const database = await createTestDatabase(testStores());
  const db = openDatabase({
    url: database.url,
    poolMax: 10,
    timeoutMs: 10_000,
    applicationName: 'limiter-test',
    onIdleError: () => {},
  });
  return {
    db,
    beginWithout: () => beginLimitRows(db, randomInt(1, 2 ** 47)),
    accept: async (subject, id, memory) => {
      const elsewhere = createHash('sha256').update(id).digest();
      const keys = {
        limitKey: elsewhere,
        ipKey: elsewhere,
        [subject.kind === 'ip' ? 'ipKey' : 'limitKey']: subject.key,
      };
      const rest = {
        channel: 'email' as const,
        contract: 'v1',
        locale: null,
        redirectUrl: null,
        idempotency: null,
        purpose: 'signup',
      };
      const request = {
        id,
        organizationId: defaultOrganizationId,
        subjectKey: elsewhere,
        addressKey: elsewhere,
        ...keys,
        ...rest,
        limitMemory: memory ?? null,
      };
      return (await acceptMessages(db, [request]))[0];
    },
    letTimePass: async (ms) => {
      // An interval is no Date, but an instant minus it is an instant, which the types cannot say.
      await db
        .updateTable('limit_charges')
        .set(({ eb, fn, lit, val }) => ({
          charged_at: eb(
            'charged_at',
            '-',
            fn<Date>('make_interval', [...noLongerUnits.map((none) => lit(none)), val(ms / 1000)]),
          ),
        }))
        .execute();
      await db
        .updateTable('messages')
        .set(({ eb, fn, lit, val }) => ({
          accepted_at: eb(
            'accepted_at',
            '-',
            fn<Date>('make_interval', [...noLongerUnits.map((none) => lit(none)), val(ms / 1000)]),
          ),
        }))
        .execute();
    },
    [Symbol.asyncDispose]: async () => {
      await db.destroy();
      await database.drop();
    },
  };
};

export interface RedisUnderTest extends Disposable {
  readonly redis: RedisConnection;
  readonly limiter: RedisLimiter;
  keys(): Promise<readonly string[]>;
  /** What FLUSHALL does, for this suite's keys only: the server is shared. */
  empty(): Promise<void>;
  letTimePass(ms: number): Promise<void>;
  /** As if this Redis had been remembering for a day: it knows the past of every subject by itself. */
  rememberForADay(): Promise<void>;
}

/** A limiter on Redis with keys of its own, that reads the past from these rows. */
export const openRedis = (
  url: string,
  rows: LimiterRows,
  { prefix = redisPrefix(testStores()), timeoutMs = patientMs } = {},
): RedisUnderTest => {
  const redis = connectForCalls(url, { name: prefix, timeoutMs, onError: () => {} });
  const keys = (): Promise<readonly string[]> => redis.keys(`*${prefix}*`);
  return {
    redis,
    limiter: createRedisLimiter({
      redis,
      prefix,
      maxWaitMs: 150,
      readRows: (subject) => readCharges(rows.db, subject),
      beginMemory: (memory) => beginLimitMemory(rows.db, memory, 3),
    }),
    keys,
    empty: async () => {
      const found = await keys();
      if (found.length > 0) await redis.del(...found);
    },
    letTimePass: async (ms) => {
      const subjects = (await keys()).filter((key) => !key.endsWith(':since'));
      for (const key of subjects) {
        const held = (await redis.get(key)) ?? '';
        const older = held.replace(/ (\d+):/g, (_, atMs: string) => ` ${Number(atMs) - ms}:`);
        await redis.set(key, older, 'KEEPTTL');
      }
    },
    rememberForADay: async () => {
      await redis.set(`{${prefix}:limit}:since`, Date.now() - 86_400_000);
    },
    [Symbol.dispose]: () => redis.disconnect(),
  };
};
