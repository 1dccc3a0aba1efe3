import { readFileSync } from 'node:fs';
import { AppError } from '@reconfirm/core/app-error';
import { decideLimits, type LimitDecision, type LimitSubject } from '@reconfirm/core/limits';
import { createBatcher } from '@reconfirm/db/batcher';
import type { CountedRequest } from '@reconfirm/db/limit-charges';
import type { Redis } from 'ioredis';
import type { Limiter } from './limiter.ts';

const script = readFileSync(new URL('./limiter.lua', import.meta.url), 'utf8');

interface LimiterClient extends Redis {
  reconfirmLimits(keyCount: number, ...args: (string | number)[]): Promise<number[][]>;
}

/** One subject's part of a call. `past`: what the rows remember, where they had to be read. */
interface Question {
  readonly verb: 'charge' | 'peek' | 'refund';
  readonly subject: LimitSubject;
  readonly chargeId: string;
  readonly past: readonly CountedRequest[] | null;
}

/** Subjects of one call at most: about 10 us of Redis' time each. */
const batchMax = 128;

export interface RedisLimiterOptions {
  readonly redis: Redis;
  readonly prefix: string;
  /** How long a request may wait for its call while Redis does not answer the calls before it. */
  readonly maxWaitMs: number;
  /** Reads what the rows remember of a subject, when Redis cannot know. */
  readonly readRows: (subject: LimitSubject) => Promise<readonly CountedRequest[]>;
}

export interface RedisLimiter extends Limiter {
  /** Makes every subject be read from the rows again: Redis has missed charges while it was away. */
  distrust(): Promise<void>;
}

/**
 * Limits in Redis. What Redis holds is a copy of what the rows say: emptied, it first reads the past
 * of each subject from them, so that nothing opens. Rejects when Redis does not answer in time, and
 * with `database_unavailable` when the rows that it needs cannot be read.
 */
export const createRedisLimiter = (options: RedisLimiterOptions): RedisLimiter => {
  const { redis, prefix, readRows, maxWaitMs } = options;
  redis.defineCommand('reconfirmLimits', { lua: script });
  const client = redis as LimiterClient;
  // All keys share a slot of a cluster, so that the subjects of one turn can share a call.
  const sinceKey = `{${prefix}:limit}:since`;
  const keyOf = ({ kind, key }: LimitSubject): string =>
    `{${prefix}:limit}:${kind}:${Buffer.from(key).toString('base64url')}`;

  /** Requests that arrive together share one script call; each subject is still all or none. */
  const questions = createBatcher<Question, readonly number[]>({
    maxItems: batchMax,
    maxInFlight: 1,
    maxWaitMs,
    retryAlone: () => false,
    runBatch: (batch) =>
      client.reconfirmLimits(
        batch.length + 1,
        sinceKey,
        ...batch.map((question) => keyOf(question.subject)),
        ...batch.flatMap(argumentsOf),
      ),
  });

  const ask = async (
    verb: 'charge' | 'peek',
    subject: LimitSubject,
    chargeId: string,
  ): Promise<LimitDecision> => {
    if (subject.limits.length === 0) return decideLimits(subject, [], true);
    let answer = await questions.run({ verb, subject, chargeId, past: null });
    if (answer[0] === -1)
      answer = await questions.run({ verb, subject, chargeId, past: await readPast(subject) });
    const [charged, ...agesMs] = answer;
    return decideLimits(subject, agesMs, charged === 1);
  };

  const readPast = (subject: LimitSubject): Promise<readonly CountedRequest[]> =>
    readRows(subject).catch((cause: unknown) => {
      throw new AppError('database_unavailable', 'the past of a limit could not be read', {
        cause,
        retryAfterSeconds: 2,
      });
    });

  return {
    charge: (subject, chargeId) => ask('charge', subject, chargeId),
    peek: (subject) => ask('peek', subject, ''),
    refund: async (subject, chargeId) => {
      await questions.run({ verb: 'refund', subject, chargeId, past: null });
    },
    distrust: async () => {
      await redis.del(sinceKey);
    },
  };
};

/** As limiter.lua reads them. */
const argumentsOf = ({ verb, subject, chargeId, past }: Question): (string | number)[] => [
  verb,
  chargeId,
  subject.rememberSeconds * 1000,
  past === null ? 0 : 1,
  subject.limits.length,
  ...subject.limits.flatMap((limit) => [limit.max, limit.windowSeconds * 1000]),
  past?.length ?? 0,
  ...(past ?? []).flatMap((request) => [request.charge, Math.round(request.ageMs)]),
];
