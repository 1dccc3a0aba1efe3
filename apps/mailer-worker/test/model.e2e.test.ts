import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ablation, ablations, brokenSettings } from './model/ablations.ts';
import { play } from './model/play.ts';
import { sequences } from './model/sequences.ts';
import type { Tally } from './model/steps.ts';
import { openSystem, type System } from './model/system.ts';

/** `MODEL_SEQUENCES=300` plays so many, however long it takes; without it as many as fit into CI's share. */
const wanted = process.env['MODEL_SEQUENCES'];
/** `MODEL_SEED` plays the same sequences again. */
const seed = Number(process.env['MODEL_SEED'] ?? Date.now() % 2 ** 31);
const ciShareMs = 30_000;
const timeoutMs = 3_600_000;
/** Of the API and of the worker's templates: seconds, unless other things keep the machine busy. */
const startTimeoutMs = 120_000;

describe('the service', () => {
  let system: System;
  beforeAll(async () => {
    system = await openSystem();
  }, startTimeoutMs);
  afterAll(() => system[Symbol.asyncDispose]());

  test.each(ablations)('is as in the model where one could find that $fault', ({ steps }) =>
    expect(play(system, steps)).resolves.toBeUndefined(),
  );

  test(
    'is as in the model whatever happens in whatever order',
    async ({ annotate }) => {
      const tally: Tally = new Map();
      const startedAtMs = performance.now();
      const played = { sequences: 0, steps: 0 };
      await fc.assert(
        fc.asyncProperty(sequences, async (steps) => {
          await play(system, steps, tally);
          played.sequences += 1;
          played.steps += steps.length;
        }),
        {
          seed,
          numRuns: Number(wanted ?? 300),
          ...(wanted === undefined && { interruptAfterTimeLimit: ciShareMs, markInterruptAsFailure: false }),
        },
      );
      const seconds = Math.round((performance.now() - startedAtMs) / 1000);
      const counts = [...tally].map(([what, times]) => `${what}: ${times}`).toSorted();
      await annotate(
        `${played.sequences} sequences, ${played.steps} steps, ${seconds} s, seed ${seed}\n${counts.join(', ')}`,
      );
      // A run in which nobody got a mail would show nothing, however slow the machine was.
      expect(tally.get('mail') ?? 0).toBeGreaterThan(0);
    },
    timeoutMs,
  );
});

describe('the model finds out that', () => {
  let system: System;
  beforeAll(async () => {
    system = await openSystem(brokenSettings);
  }, startTimeoutMs);
  afterAll(() => system[Symbol.asyncDispose]());

  const broken = async (ablation: Ablation, look: () => Promise<void>): Promise<void> => {
    // What an earlier test has left is not theirs to trip over.
    await system.reset();
    await ablation.break(system);
    try {
      await look();
    } finally {
      await ablation.mend(system);
    }
  };

  test.each(ablations)('$fault', (ablation) =>
    broken(ablation, () => expect(play(system, ablation.steps)).rejects.toThrow(ablation.said)),
  );
});

// For the long run by hand only; a test that is skipped would count as one that was not run.
test.each(wanted === undefined ? [] : ablations)(
  'sequences that nobody has thought of find out that $fault',
  async (ablation) => {
    const isBySetting = ablations.indexOf(ablation) < 2;
    await using system = await openSystem(isBySetting ? brokenSettings : {});
    await ablation.break(system);
    const found = await fc.check(
      fc.asyncProperty(sequences, (steps) => play(system, steps)),
      { seed, numRuns: 100, endOnFailure: true },
    );
    await ablation.mend(system);
    expect(found.failed, `seed ${seed}`).toBe(true);
  },
  timeoutMs,
);
