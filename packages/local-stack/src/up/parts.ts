import { describeExit, type ProcessExit } from '../start-process.ts';
import { StackError } from '../stack-error.ts';

/** In the order in which they stop: each before what it needs. */
export const PART_NAMES = ['migration', 'worker', 'api', 'inbox', 'redis', 'postgres'] as const;

export type PartName = (typeof PART_NAMES)[number];

export type Part = {
  readonly exited: Promise<ProcessExit>;
  tail(lineCount: number): string[];
  stop(): Promise<void>;
};

export type Parts = {
  /** Takes charge of a part: from here on its end is a failure of the whole. */
  add(name: PartName, part: Part): void;
  /** Rejects with StackError `process_died` when a part ends that was not stopped. */
  readonly died: Promise<never>;
  stopAll(): Promise<void>;
};

const TAIL_LINES = 15;

export const createParts = (): Parts => {
  const running = new Map<PartName, Part>();
  const { promise: died, reject } = Promise.withResolvers<never>();
  // Somebody may not be listening yet, or any more.
  died.catch(() => undefined);
  const watch = async (name: PartName, part: Part): Promise<void> => {
    const exit = await part.exited;
    if (running.get(name) === part) reject(deathOf(name, part, exit));
  };
  const stopAll = async (): Promise<void> => {
    for (const name of PART_NAMES) {
      const part = running.get(name);
      running.delete(name);
      await part?.stop();
    }
  };
  return {
    add: (name, part) => {
      running.set(name, part);
      void watch(name, part);
    },
    died,
    stopAll,
  };
};

const deathOf = (name: PartName, part: Part, exit: ProcessExit): StackError => {
  const tail = part.tail(TAIL_LINES).map((line) => `\n  ${line}`);
  return new StackError(
    'process_died',
    `The ${name} ended by itself (${describeExit(exit)}). Its last lines:${tail.join('') || ' none'}`,
  );
};
