import { readFileSync } from 'node:fs';
import { AppError } from '@reconfirm/core/app-error';
import { decideLimits, type LimitDecision, type LimitSubject } from '@reconfirm/core/limits';
import { createBatcher } from '@reconfirm/db/batcher';
import type { CountedRequest, MemoryBegun } from '@reconfirm/db/limit-charges';
import { spendOnOther, waitTogether, withWaitBudget } from '@reconfirm/db/wait-budget';
import type { RedisConnection } from '@reconfirm/queue/redis';
import type { Limiter } from './limiter.ts';

const script = readFileSync(new URL('./limiter.lua', import.meta.url), 'utf8');

/** Of each subject asked about: charged or not, then the ages of what counts; or that the rows must be read. */
type Answers = readonly (readonly number[])[];

interface Answered {
  /** Since when this Redis remembers, in ms of its clock: another number after it has forgotten. */
  readonly memory: number;
  readonly answers: Answers;
}

type LimiterClient = RedisConnection & {
  reconfirmLimits(
    keyCount: number,
    ...args: readonly (string | number)[]
  ): Promise<[number, readonly Answers[]]>;
};

type Past = readonly CountedRequest[];

/** One request's part of a call. `pasts`: what the rows remember of each subject, where they had to be read. */
interface Question {
  readonly verb: 'charge' | 'peek' | 'refund';
  readonly subjects: readonly LimitSubject[];
  readonly chargeId: string;
  readonly pasts: readonly (Past | undefined)[];
  /** Under which memory they were read. */
  readonly readUnder: number;
}

/** Questions of one call at most: about 10 us of Redis' time each. */
const batchMax = 128;
/** A Redis that forgets more often while one request asks is not used for it. */
const turnsMax = 3;

/** A memory that is being begun, or was. `isAlone`: nobody charges in the rows alone, and nobody need ask again. */
interface Begun {
  readonly memory: number;
  readonly done: Promise<MemoryBegun>;
  isAlone: boolean;
}

export interface RedisLimiterOptions {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** How long a request may wait for its call while Redis does not answer the calls before it. */
  readonly maxWaitMs: number;
  /** Reads what the rows remember of a subject, when Redis cannot know. */
  readonly readRows: (subject: LimitSubject) => Promise<Past>;
  /** From when this resolves on, no row is written of what was charged under another memory. */
  readonly beginMemory: (memory: number) => Promise<MemoryBegun>;
}

export interface RedisLimiter extends Limiter {
  /** Makes every subject be read from the rows again: Redis has missed charges while it was not asked. */
  distrust(): Promise<void>;
  /** Told when a memory begins while another process may still charge in the rows alone. */
  onBesideRows(listener: () => void): void;
}

/**
 * Limits in Redis. What Redis holds is a copy of what the rows say: emptied, it first reads the past
 * of each subject from them, so that nothing opens: also not by what was charged before and is no row yet, of which
 * no row can then be written. So it does after each lost connection, behind which another
 * Redis may answer: a replica that was promoted without the last writes, or one from an old snapshot. Rejects when Redis does not answer in time, and
 * with `database_unavailable` when the rows that it needs cannot be read.
 */
export const createRedisLimiter = (options: RedisLimiterOptions): RedisLimiter => {
  const { redis, prefix, readRows, beginMemory, maxWaitMs } = options;
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

  /** Under which nothing is charged any more. */
  let forgotten: number | undefined;
  let begun: Begun | undefined;
  let tellBesideRows = (): void => {};

  const distrust = async (): Promise<void> => {
    isAnother = false;
    try {
      await redis.del(sinceKey);
    } catch (error) {
      isAnother = true;
      throw error;
    }
  };

  /** Before anything is charged under it once more: what is in the subject's charges already is not refused. */
  const distrustForgotten = async (): Promise<void> => {
    if (Number(await redis.get(sinceKey)) === forgotten) await distrust();
    forgotten = undefined;
  };

  /** Requests that arrive together share one script call; the subjects of each are still all or none. */
  const questions = createBatcher<Question, Answered>({
    maxItems: batchMax,
    maxInFlight: 1,
    maxWaitMs,
    retryAlone: () => false,
    runBatch: async (batch) => {
      if (isAnother) await distrust();
      const keys = [sinceKey, ...keysOf(prefix, batch)];
      if (forgotten !== undefined) await distrustForgotten();
      const [memory, answers] = await client.reconfirmLimits(keys.length, ...keys, ...argumentsOf(batch));
      // A call is repeated on the next connection, behind which nothing was distrusted yet.
      if (isAnother) throw new Error('the connection was lost during the call');
      return answers.map((ofOne) => ({ memory, answers: ofOne }));
    },
  });

  /** Those of one moment wait for the same statement, at the expense of each and none of them in particular. */
  const begin = async (memory: number): Promise<MemoryBegun> => {
    if (begun?.memory !== memory) {
      begun = { memory, done: withWaitBudget(undefined, () => beginMemory(memory)), isAlone: false };
      void learn(begun);
    }
    if (begun.isAlone) return 'alone';
    try {
      return await waitTogether(begun.done);
    } catch (cause) {
      throw unavailable(cause);
    }
  };

  /** Before any of those who wait goes on. */
  const learn = async (own: Begun): Promise<void> => {
    let how: MemoryBegun | undefined;
    try {
      how = await own.done;
    } catch {
      // They are told, and the next asks again.
    }
    if (how === 'beside_rows') tellBesideRows();
    if (how === 'ended') forgotten = own.memory;
    if (how === 'alone') own.isAlone = true;
    else if (begun === own) begun = undefined;
  };

  /** A request that has no time left for Postgres is no sign that Redis does not answer. */
  const askTogether = (question: Question): Promise<Answered> => spendOnOther(() => questions.run(question));

  const ask = async (
    verb: 'charge' | 'peek',
    subjects: readonly LimitSubject[],
    chargeId: string,
  ): Promise<readonly LimitDecision[]> => {
    const limited = subjects.filter((subject) => subject.limits.length > 0);
    if (limited.length === 0) return subjects.map(decideUnlimited);
    let [pasts, readUnder]: [Question['pasts'], number] = [[], 0];
    for (let turn = 0; turn < turnsMax; turn += 1) {
      const answered = await askTogether({ verb, subjects: limited, chargeId, pasts, readUnder });
      if ((await begin(answered.memory)) === 'ended') {
        await Promise.all(limited.map((subject) => refund(subject, chargeId)));
        continue;
      }
      if (!answered.answers.some(isCold)) return decide(subjects, answered);
      pasts = await Promise.all(
        limited.map(async (subject, i) => (isCold(answered.answers[i]) ? readPast(subject) : undefined)),
      );
      readUnder = answered.memory;
    }
    throw new Error('Redis forgets again and again');
  };

  const refund = async (subject: LimitSubject, chargeId: string): Promise<void> => {
    await askTogether({ verb: 'refund', subjects: [subject], chargeId, pasts: [], readUnder: 0 });
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
      throw unavailable(cause);
    });

  return {
    charge: (subject, chargeId) => askAboutOne('charge', subject, chargeId),
    chargeTogether: (subjects, chargeId) => ask('charge', subjects, chargeId),
    peek: (subject) => askAboutOne('peek', subject, ''),
    refund,
    forget: (memory) => {
      forgotten = memory;
    },
    distrust,
    onBesideRows: (listener) => {
      tellBesideRows = listener;
    },
  };
};

const unavailable = (cause: unknown): AppError =>
  new AppError('database_unavailable', 'the past of a limit could not be read', {
    cause,
    retryAfterSeconds: 2,
  });

const isCold = (answer: readonly number[] | undefined): boolean => answer?.[0] === -1;

const decideUnlimited = (subject: LimitSubject): LimitDecision => decideLimits(subject, [], true);

/** The decisions up to the first refusal. Subjects without limits were not asked about. */
const decide = (
  subjects: readonly LimitSubject[],
  { memory, answers }: Answered,
): readonly LimitDecision[] => {
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
    decisions.push({ ...decideLimits(subject, answer.slice(1), answer[0] === 1), memory });
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
  for (const { verb, subjects, chargeId, pasts, readUnder } of batch) {
    asked.push(verb, chargeId, subjects.length, readUnder);
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
