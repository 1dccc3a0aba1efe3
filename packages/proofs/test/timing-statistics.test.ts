import { describe, expect, test } from 'vitest';
import { createRandom } from '../src/chaos/random.ts';
import { compare, gateOf, isAlike, shuffled } from '../src/timing-statistics.ts';

/** By the definitions: every pair, and every place where a distribution has a step. */
const byDefinition = (first: readonly number[], second: readonly number[]) => {
  let wins = 0;
  for (const a of first) for (const b of second) wins += a > b ? 1 : a === b ? 0.5 : 0;
  const share = (values: readonly number[], limit: number): number =>
    values.filter((value) => value <= limit).length / values.length;
  const distances = [...first, ...second].map((at) => Math.abs(share(first, at) - share(second, at)));
  return { auc: wins / (first.length * second.length), distance: Math.max(...distances) };
};

/** Times with a long tail, as answers have them. */
const drawTimes = (count: number, random: () => number, more = 0): number[] =>
  Array.from({ length: count }, () => 1 - Math.log(1 - random()) + more);

describe('two samples of times', () => {
  test('are compared as the definitions of AUC and distance say, ties included', () => {
    const random = createRandom(7).next;
    for (let round = 0; round < 50; round += 1) {
      const draw = (): number[] =>
        Array.from({ length: 1 + Math.floor(random() * 30) }, () => Math.floor(random() * 12));
      const [first, second] = [draw(), draw()];
      const { auc, distance } = compare(first, second);
      expect({ auc, distance }).toEqual({
        auc: expect.closeTo(byDefinition(first, second).auc, 10),
        distance: expect.closeTo(byDefinition(first, second).distance, 10),
      });
    }
  });

  test('of one distribution are alike, again and again', () => {
    const random = createRandom(11).next;
    const verdicts = Array.from({ length: 100 }, () =>
      isAlike(compare(drawTimes(500, random), drawTimes(500, random))),
    );
    expect(verdicts.filter((alike) => !alike)).toHaveLength(0);
  });

  test.each([
    ['AUC', 0.05],
    ['distance', 0],
  ])('that differ a little are told apart, by their %s', (_, more) => {
    const random = createRandom(13).next;
    const times = drawTimes(10_000, random);
    const other =
      more > 0
        ? drawTimes(10_000, random, more)
        : // Every fourth answer takes twice as far from the median, to either side: the median stays, and half are above it.
          drawTimes(10_000, random).map((time, at) => (at % 4 === 0 ? 1.69 + (time - 1.69) * 2 : time));
    expect(isAlike(compare(times, other))).toBe(false);
  });

  test('have the promised gate from 20,000 on, and what chance allows below', () => {
    const random = createRandom(17).next;
    expect(gateOf(compare(drawTimes(10_000, random), drawTimes(10_000, random)))).toBe(0.01);
    const small = compare(drawTimes(100, random), drawTimes(100, random));
    expect(gateOf(small)).toBeCloseTo(4 * small.standardError, 10);
  });
});

test('one seed gives one order', () => {
  const items = Array.from({ length: 100 }, (_, index) => index);
  expect(shuffled(items, createRandom(3).next)).toEqual(shuffled(items, createRandom(3).next));
  expect(shuffled(items, createRandom(3).next)).not.toEqual(shuffled(items, createRandom(4).next));
  expect(shuffled(items, createRandom(3).next).toSorted((a, b) => a - b)).toEqual(items);
});
