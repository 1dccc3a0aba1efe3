import { setTimeout as delay } from 'node:timers/promises';
import type { People } from './people.ts';
import type { Random } from './random.ts';
import { createSubject, type Subject } from './subjects.ts';

/** What a request is about, and how often in proportion to the others. */
const weights = {
  /** Somebody asks again who never clicks. */
  again: 64,
  /** The same person presses the button six times at once. */
  impatient: 2,
  /** Somebody registers who will click. */
  newcomer: 10,
  /** A newcomer who has not clicked yet asks again. */
  newcomer_again: 8,
  /** Nobody has this address. */
  unknown: 8,
  /** The provider will report that this one bounced, or complained. */
  bouncing: 8,
} as const;

const IMPATIENT_TIMES = 6;

export interface LoadOptions {
  readonly requests: number;
  readonly perSecond: number;
  readonly random: Random;
  readonly people: People;
}

export interface RunningLoad {
  readonly subjects: readonly Subject[];
  /** Requests that were begun. */
  readonly asked: () => number;
  subjectOf(address: string): Subject | undefined;
  /** Resolves when every request has its answer, or none within the deadline. */
  readonly finished: Promise<void>;
}

/** Requests at a steady rate, whether or not earlier ones have been answered. */
export const startLoad = ({ requests, perSecond, random, people }: LoadOptions): RunningLoad => {
  const subjects = new Map<string, Subject>();
  const pools = {
    pending: makePool(subjects, 'pending', Math.ceil(requests / 8) + 1),
    unknown: makePool(subjects, 'unknown', Math.ceil(requests / 50) + 1),
    bouncing: makePool(subjects, 'bouncing', Math.ceil(requests / 20) + 1),
  };
  const newcomers: Subject[] = [];
  const going = new Set<Promise<void>>();
  let asked = 0;

  const ask = (subject: Subject): void => {
    // A registration under way is left alone: a second one at once would be told that it exists.
    if (!subject.isRegistered && subject.kind !== 'unknown' && subject.asking > 0) return;
    asked += 1;
    const request =
      subject.isRegistered || subject.kind === 'unknown' ? people.resend(subject) : people.register(subject);
    going.add(request);
    void request.finally(() => going.delete(request));
  };

  const step: Record<keyof typeof weights, () => void> = {
    again: () => ask(random.pick(pools.pending)),
    impatient: () => {
      const subject = random.pick(pools.pending);
      if (!subject.isRegistered) return ask(subject);
      for (let time = 0; time < IMPATIENT_TIMES; time += 1) ask(subject);
    },
    newcomer: () => {
      const subject = createSubject(`person-${newcomers.length}@example.com`, 'person');
      subjects.set(subject.address, subject);
      newcomers.push(subject);
      ask(subject);
    },
    newcomer_again: () => {
      const [first, ...others] = newcomers.slice(-50).filter(({ isVerified }) => !isVerified);
      if (first === undefined) step.newcomer();
      else ask(random.pick([first, ...others]));
    },
    unknown: () => ask(random.pick(pools.unknown)),
    bouncing: () => ask(random.pick(pools.bouncing)),
  };

  const run = async (): Promise<void> => {
    const startedAt = performance.now();
    let turns = 0;
    for (;;) {
      if (asked >= requests) break;
      const dueInMs = startedAt + (turns * 1000) / perSecond - performance.now();
      if (dueInMs > 0) await delay(dueInMs);
      const before = asked;
      step[random.weighted(weights)]();
      turns += Math.max(1, asked - before);
    }
    await Promise.all(going);
  };

  return {
    get subjects() {
      return [...subjects.values()];
    },
    asked: () => asked,
    subjectOf: (address) => subjects.get(address),
    finished: run(),
  };
};

const makePool = (
  subjects: Map<string, Subject>,
  kind: 'pending' | 'unknown' | 'bouncing',
  count: number,
): readonly [Subject, ...Subject[]] => {
  const pool: [Subject, ...Subject[]] = [createSubject(`${kind}-0@example.com`, kind)];
  for (let index = 1; index < count; index += 1)
    pool.push(createSubject(`${kind}-${index}@example.com`, kind));
  for (const subject of pool) subjects.set(subject.address, subject);
  return pool;
};
