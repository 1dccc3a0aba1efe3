import { describe, expect, test } from 'vitest';
import type { AblationName } from '../src/chaos/ablations.ts';
import { type ChaosOptions, runChaos } from '../src/chaos/run-chaos.ts';
import { type Invariant, invariants } from '../src/chaos/violations.ts';
import { chaosOptions, redisBinary } from './support/chaos-options.ts';

/** Quick, and with so much wrong that what is taken away must be missed. */
const ablated = async (
  ablations: readonly AblationName[],
  part: Partial<ChaosOptions>,
): Promise<readonly Invariant[]> => {
  const { violations } = await runChaos(
    chaosOptions(7, { requests: 160, faultEveryMs: 700, ablations, ...part }),
  );
  const all = Object.keys(invariants) as Invariant[];
  return all.filter((invariant) => violations.count(invariant) > 0);
};

describe.skipIf(redisBinary === undefined)('what the check of the chaos run must catch', () => {
  test('without the sweep the check finds what was lost', { timeout: 200_000 }, async () => {
    const found = await ablated(['sweep-off'], { drainMs: 15_000 });
    expect(found).toEqual(expect.arrayContaining(['unsettled', 'newest_not_delivered']));
  });

  test(
    'the check finds a status that went back, an older link that works, a job that was kept, and a token in a row or log',
    {
      timeout: 200_000,
    },
    async () => {
      const found = await ablated(['last-write-wins', 'all-links-live', 'planted-secret', 'kept-jobs'], {
        mailFaultShare: 0,
      });
      expect(found.toSorted()).toEqual([
        'job_kept',
        'older_token_alive',
        'secret_found',
        'status_below_reports',
        'status_regress',
      ]);
    },
  );
});
