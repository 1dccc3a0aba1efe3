import { describe, expect, test } from 'vitest';
import { createRandom } from '../src/chaos/random.ts';
import { reportOf } from '../src/chaos/report.ts';
import { runChaos } from '../src/chaos/run-chaos.ts';
import { chaosOptions, redisBinary } from './support/chaos-options.ts';

describe.skipIf(redisBinary === undefined)('everything is killed again and again', () => {
  test(
    'nothing is lost, doubled without a cause, revealed or undone',
    { timeout: 300_000 },
    async ({ annotate }) => {
      const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      const result = await runChaos(chaosOptions(seed, { requests: 450 }));
      const report = reportOf(result);
      await annotate(report);
      expect(result.violations.total(), `${report}\nAll logs are in ${result.logDir}`).toBe(0);
      // It was really broken, or it shows nothing.
      expect(result.faults.worker_killed).toBeGreaterThan(0);
      expect(result.faults.redis_emptied).toBeGreaterThan(0);
      expect(result.checked.copies).toBeGreaterThan(100);
      expect(result.people.olderTried).toBeGreaterThan(0);
    },
  );
});

test('a seed repeats the choices of a run, another one does not', () => {
  const draw = (seed: number): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 100 }, () => random.fork().next());
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(6)).not.toEqual(draw(5));
  const share = Array.from(
    { length: 10_000 },
    (
      (random) => () =>
        random.chance(0.3)
    )(createRandom(1)),
  );
  expect(share.filter(Boolean).length / 10_000).toBeCloseTo(0.3, 1);
});
