/** How two samples of times differ, by rank only: one slow answer weighs no more than any other. */
export interface Comparison {
  readonly sizes: readonly [number, number];
  /** Mann-Whitney: the chance that an answer of the first sample took longer than one of the second, ties half. */
  readonly auc: number;
  /** Of `auc`, were there no difference. */
  readonly standardError: number;
  /** Kolmogorov-Smirnov: the greatest distance of the two distributions. */
  readonly distance: number;
  /** The distance that two samples of one distribution exceed once in a thousand times. */
  readonly distanceMax: number;
}

/** Compares two samples, neither of them empty. */
export const compare = (first: readonly number[], second: readonly number[]): Comparison => {
  const sizes = [first.length, second.length] as const;
  if (sizes.includes(0)) throw new RangeError('there is nothing to compare');
  const [n, m] = sizes;
  const merged = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ].toSorted((a, b) => a.value - b.value);
  let [rankSum, distance, below, belowSecond] = [0, 0, 0, 0];
  for (let start = 0; start < merged.length;) {
    let end = start;
    let ofFirst = 0;
    while (end < merged.length && merged[end]?.value === merged[start]?.value) {
      if (merged[end]?.isFirst === true) ofFirst += 1;
      end += 1;
    }
    // Those that are equal share the mean of their ranks, which count from 1.
    rankSum += (ofFirst * (start + 1 + end)) / 2;
    below += ofFirst;
    belowSecond += end - start - ofFirst;
    distance = Math.max(distance, Math.abs(below / n - belowSecond / m));
    start = end;
  }
  return {
    sizes,
    auc: (rankSum - (n * (n + 1)) / 2) / (n * m),
    standardError: Math.sqrt((n + m + 1) / (12 * n * m)),
    distance,
    // sqrt(-ln(alpha / 2) / 2) at alpha = 0.001, the asymptotic bound.
    distanceMax: 1.949 * Math.sqrt((n + m) / (n * m)),
  };
};

/** From this many requests on, a comparison has to be within `promisedGate`. */
export const promisedRequests = 20_000;
const promisedGate = 0.01;

/**
 * How far from one half an AUC may be. Below the promised number of requests chance alone leads further
 * than the promise allows, so four standard errors are the gate there: once in 16,000 comparisons.
 */
export const gateOf = ({ sizes: [n, m], standardError }: Comparison): number =>
  n + m >= promisedRequests ? promisedGate : Math.max(promisedGate, 4 * standardError);

export const isAlike = (comparison: Comparison): boolean =>
  Math.abs(comparison.auc - 0.5) < gateOf(comparison) && comparison.distance < comparison.distanceMax;

export const shuffled = <Item>(items: readonly Item[], random: () => number): Item[] =>
  items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
