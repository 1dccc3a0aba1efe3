import fc from 'fast-check';
import { people } from './model.ts';
import { faults } from './stepped-worker.ts';
import type { Step } from './steps.ts';
import { servings } from './system.ts';

const person = fc.nat(people - 1);
const pick = fc.nat(30);
const often = <T>(usual: T, others: readonly T[], weight: number): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

/** Waits are far from the cooldown and the lifetimes, so that a slow machine is on the same side of them. */
const minute = 60;
const overADay = 90_000;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: fc.tuple(fc.constant('request' as const), person) },
  {
    weight: 7,
    arbitrary: fc.tuple(
      fc.constant('confirm' as const),
      person,
      fc.constantFrom(
        'newest' as const,
        'older' as const,
        'older' as const,
        'older' as const,
        'garbage' as const,
      ),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(
      fc.constant('type_code' as const),
      person,
      often<'right' | 'wrong'>('wrong', ['right'], 5),
    ),
  },
  {
    weight: 7,
    arbitrary: fc.tuple(
      fc.constant('report' as const),
      pick,
      fc.constantFrom('accepted', 'delivered', 'delivered', 'deferred', 'bounced', 'complained'),
      fc.constantFrom('new', 'new', 'again', 'forged'),
    ) as fc.Arbitrary<Step>,
  },
  { weight: 13, arbitrary: fc.tuple(fc.constant('advance' as const), often(minute, [overADay], 25)) },
  {
    weight: 26,
    arbitrary: fc.tuple(
      fc.constant('work' as const),
      pick,
      often(servings[0], servings, 3),
      often(faults[0], faults, 1),
    ),
  },
  { weight: 4, arbitrary: fc.constant(['wake'] as const) },
  { weight: 14, arbitrary: fc.constant(['sweep'] as const) },
  { weight: 3, arbitrary: fc.constant(['empty_redis'] as const) },
  { weight: 5, arbitrary: fc.tuple(fc.constant('end_lease' as const), pick) },
);

/** What may happen to an installation, in its order. Plain lists, so that what fails shrinks to what matters. */
export const sequences = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' });
