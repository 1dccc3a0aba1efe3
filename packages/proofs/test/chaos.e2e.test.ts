import { findRedisServer } from '@reconfirm/local-stack';
import { describe, expect, test } from 'vitest';
import type { AblationName } from '../src/chaos/ablations.ts';
import { reportOf } from '../src/chaos/report.ts';
import { type ChaosOptions, runChaos } from '../src/chaos/run-chaos.ts';
import { createRandom } from '../src/chaos/random.ts';
import { type Invariant, invariants } from '../src/chaos/violations.ts';

const redisBinary = await findRedisServer(process.env);

/** The run of T5 in the size of a CI; `pnpm soak` is the same for hours. */
const options = (
  seed: number,
  part: Partial<ChaosOptions> & Pick<ChaosOptions, 'requests'>,
): ChaosOptions => ({
  seed,
  perSecond: 20,
  faultEveryMs: 1100,
  deployEveryMs: 25_000,
  mailFaultShare: 0.12,
  drainMs: 90_000,
  redisBinary: redisBinary ?? '',
  ...part,
});

/** Quick, and with so much wrong that what is taken away must be missed. */
const ablated = async (
  ablations: readonly AblationName[],
  part: Partial<ChaosOptions>,
): Promise<readonly Invariant[]> => {
  const { violations } = await runChaos(options(7, { requests: 160, faultEveryMs: 700, ablations, ...part }));
  const all = Object.keys(invariants) as Invariant[];
  return all.filter((invariant) => violations.count(invariant) > 0);
};

// A private Redis is killed and emptied here, so one of a container is not enough.
describe.skipIf(redisBinary === undefined)('everything is killed again and again', () => {
  test(
    'nothing is lost, doubled without a cause, revealed or undone',
    { timeout: 300_000 },
    async ({ annotate }) => {
      const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      const result = await runChaos(options(seed, { requests: 600 }));
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

  test('without the sweep the check finds what was lost', { timeout: 200_000 }, async () => {
    const found = await ablated(['sweep-off'], { drainMs: 15_000 });
    expect(found).toEqual(expect.arrayContaining(['unsettled', 'newest_not_delivered']));
  });

  test(
    'the check finds a status that went back, an older link that works, and a token in a row or log',
    {
      timeout: 200_000,
    },
    async () => {
      const found = await ablated(['last-write-wins', 'all-links-live', 'planted-secret'], {
        mailFaultShare: 0,
      });
      expect(found.toSorted()).toEqual([
        'older_token_alive',
        'secret_found',
        'status_below_reports',
        'status_regress',
      ]);
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
