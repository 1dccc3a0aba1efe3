import { readFileSync } from 'node:fs';
import { AppError } from '@reconfirm/core/app-error';
import { decideLimits, type LimitDecision, type LimitSubject } from '@reconfirm/core/limits';
import { createBatcher } from '@reconfirm/db/batcher';
import type { CountedRequest } from '@reconfirm/db/limit-charges';
import type { RedisConnection } from '@reconfirm/queue/redis';
import { untilInRows } from './in-flight.ts';
import type { Limiter } from './limiter.ts';

const script = readFileSync(new URL('./limiter.lua', import.meta.url), 'utf8');

/** Of each subject asked about: charged or not, then the ages of what counts; or that the rows must be read. */
type Answers = readonly (readonly number[])[];

type LimiterClient = RedisConnection & {
  reconfirmLimits(keyCount: number, ...args: readonly (string | number)[]): Promise<readonly Answers[]>;
};

type Past = readonly CountedRequest[];

/** One request's part of a call. `pasts`: what the rows remember of each subject, where they had to be read. */
interface Question {
  readonly verb: 'charge' | 'peek' | 'refund';
  readonly subjects: readonly LimitSubject[];
  readonly chargeId: string;
  readonly pasts: readonly (Past | undefined)[];
}

/** Questions of one call at most: about 10 us of Redis' time each. */
const batchMax = 128;

export interface RedisLimiterOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** How long a request may wait for its call while Redis does not answer the calls before it. */
  readonly maxWaitMs: number;
  /** Reads what the rows remember of a subject, when Redis cannot know. */
  readonly readRows: (subject: LimitSubject) => Promise<Past>;
}

export interface RedisLimiter extends Limiter {
  /** Makes every subject be read from the rows again: Redis has missed charges while it was not asked. */
  distrust(): Promise<void>;
}

/**
 * Limits in Redis. What Redis holds is a copy of what the rows say: emptied, it first reads the past
 * of each subject from them, so that nothing opens. So it does after each lost connection, behind which another
 * Redis may answer: a replica that was promoted without the last writes, or one from an old snapshot. Rejects when Redis does not answer in time, and
 * with `database_unavailable` when the rows that it needs cannot be read.
 */
export const createRedisLimiter = (options: RedisLimiterOptions): RedisLimiter => {
  const { redis, prefix, readRows, maxWaitMs } = options;
  redis.defineCommand('reconfirmLimits', { lua: script });
  const client = redis as LimiterClient;
  // All keys share a slot of a cluster, so that the subjects of one turn can share a call.
  const sinceKey = `{${prefix}:limit}:since`;
  // A cluster loses a node without being closed itself.
  let isAnother = false;
  for (const event of ['close', '-node'])
    redis.on(event, () => {
      isAnother = true;
    });

  const distrust = async (): Promise<void> => {
    isAnother = false;
    try {
      await redis.del(sinceKey);
    } catch (error) {
      isAnother = true;
      throw error;
    }
  };

  /** Requests that arrive together share one script call; the subjects of each are still all or none. */
  const questions = createBatcher<Question, Answers>({
    maxItems: batchMax,
    maxInFlight: 1,
    maxWaitMs,
    retryAlone: () => false,
    runBatch: async (batch) => {
      if (isAnother) await distrust();
      const keys = [sinceKey, ...keysOf(prefix, batch)];
      const answers = await client.reconfirmLimits(keys.length, ...keys, ...argumentsOf(batch));
      // A call is repeated on the next connection, behind which nothing was distrusted yet.
      if (isAnother) throw new Error('the connection was lost during the call');
      return answers;
    },
  });

  const ask = async (
    verb: 'charge' | 'peek',
    subjects: readonly LimitSubject[],
    chargeId: string,
  ): Promise<readonly LimitDecision[]> => {
    const limited = subjects.filter((subject) => subject.limits.length > 0);
    if (limited.length === 0) return subjects.map(decideUnlimited);
    let answers = await questions.run({ verb, subjects: limited, chargeId, pasts: [] });
    const cold = answers.filter(isCold);
    if (cold.length > 0) {
      await untilInRows(Math.min(...cold.map(([, rememberedMs = 0]) => rememberedMs)));
      const pasts = await Promise.all(
        limited.map(async (subject, i) => (isCold(answers[i]) ? readPast(subject) : undefined)),
      );
      answers = await questions.run({ verb, subjects: limited, chargeId, pasts });
    }
    return decide(subjects, answers);
  };

  const askAboutOne = async (
    verb: 'charge' | 'peek',
    subject: LimitSubject,
    chargeId: string,
  ): Promise<LimitDecision> => {
    const [decision] = await ask(verb, [subject], chargeId);
    if (decision === undefined) throw new Error('the limiter answered nothing');
    return decision;
  };

  const readPast = (subject: LimitSubject): Promise<Past> =>
    readRows(subject).catch((cause: unknown) => {
      throw new AppError('database_unavailable', 'the past of a limit could not be read', {
        cause,
        retryAfterSeconds: 2,
      });
    });

  return {
    charge: (subject, chargeId) => askAboutOne('charge', subject, chargeId),
    chargeTogether: (subjects, chargeId) => ask('charge', subjects, chargeId),
    peek: (subject) => askAboutOne('peek', subject, ''),
    recount: async (subject) => {
      const pasts = [await readPast(subject)];
      const answers = await questions.run({ verb: 'peek', subjects: [subject], chargeId: '', pasts });
      const [decision] = decide([subject], answers);
      if (decision === undefined) throw new Error('the limiter answered nothing');
      return decision;
    },
    mayOpen: false,
    refund: async (subject, chargeId) => {
      await questions.run({ verb: 'refund', subjects: [subject], chargeId, pasts: [] });
    },
    distrust,
  };
};

const isCold = (answer: readonly number[] | undefined): boolean => answer?.[0] === -1;

const decideUnlimited = (subject: LimitSubject): LimitDecision => decideLimits(subject, [], true);

/** The decisions up to the first refusal. Subjects without limits were not asked about. */
const decide = (subjects: readonly LimitSubject[], answers: Answers): readonly LimitDecision[] => {
  const decisions: LimitDecision[] = [];
  let asked = 0;
  for (const subject of subjects) {
    if (subject.limits.length === 0) {
      decisions.push(decideUnlimited(subject));
      continue;
    }
    const answer = answers[asked++];
    // The script ends its answers with the subject that refused.
    if (answer === undefined) break;
    decisions.push(decideLimits(subject, answer.slice(1), answer[0] === 1));
  }
  return decisions;
};

const keysOf = (prefix: string, batch: readonly Question[]): readonly string[] => {
  const keys: string[] = [];
  for (const { subjects } of batch)
    for (const { kind, key } of subjects)
      keys.push(`{${prefix}:limit}:${kind}:${Buffer.from(key).toString('base64url')}`);
  return keys;
};

/** As limiter.lua reads them: first the sets of limits, of which a batch has few. */
const argumentsOf = (batch: readonly Question[]): readonly (string | number)[] => {
  const sets: LimitSubject[] = [];
  const asked: (string | number)[] = [];
  for (const { verb, subjects, chargeId, pasts } of batch) {
    asked.push(verb, chargeId, subjects.length);
    for (const [index, subject] of subjects.entries()) {
      const past = pasts[index];
      asked.push(numberOf(subject, sets), past?.length ?? -1);
      for (const { charge, ageMs } of past ?? []) asked.push(charge, Math.round(ageMs));
    }
  }
  return [sets.length, ...sets.flatMap(setArguments), ...asked];
};

/** Which of the sets a subject is counted by, from 1; a new one where it is like none of them. */
const numberOf = (subject: LimitSubject, sets: LimitSubject[]): number => {
  const known = sets.findIndex(
    (set) => set.limits === subject.limits && set.rememberSeconds === subject.rememberSeconds,
  );
  return known === -1 ? sets.push(subject) : known + 1;
};

const setArguments = ({ limits, rememberSeconds }: LimitSubject): readonly number[] => [
  rememberSeconds * 1000,
  limits.length,
  ...limits.flatMap(({ max, windowSeconds }) => [max, windowSeconds * 1000]),
];
