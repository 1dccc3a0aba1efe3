import { knownClasses, type AddressClass } from './timing-population.ts';
import { strangeShapes, type Series } from './timing-series.ts';
import { compare, gateOf, isAlike, type Comparison } from './timing-statistics.ts';

/** One class, or all known ones together, against unknown addresses. */
export interface Judged extends Comparison {
  readonly what: 'known' | AddressClass;
  readonly gate: number;
  readonly alike: boolean;
}

export interface Verdict {
  readonly condition: string;
  readonly route: string;
  readonly requests: number;
  readonly faults: number;
  readonly medianMs: number;
  readonly comparisons: readonly Judged[];
  /** The second measuring of a route of which a comparison was outside; it decides about those. */
  readonly again: readonly Judged[];
  readonly strangeAnswers: readonly string[];
  /** AUC of answers about unknown addresses that followed a known one, against the others; not judged. */
  readonly followingAuc: number | null;
  readonly passed: boolean;
}

// Of a machine that was too busy for a moment; more than this and nothing was shown.
const faultShareMax = 0.001;

const judge = (what: Judged['what'], known: readonly number[], unknown: readonly number[]): Judged => {
  const comparison = compare(known, unknown);
  return { what, ...comparison, gate: gateOf(comparison), alike: isAlike(comparison) };
};

export const judgeSeries = ({ timesMs }: Series): readonly Judged[] => {
  const of = (name: AddressClass): readonly number[] => timesMs.get(name) ?? [];
  const measured = knownClasses.filter((name) => of(name).length > 0);
  return [
    judge('known', measured.flatMap(of), of('unknown')),
    ...measured.map((name) => judge(name, of(name), of('unknown'))),
  ];
};

/** `measureAgain` is asked for only when chance or a difference has put a comparison outside. */
export const reachVerdict = async (
  condition: string,
  route: string,
  series: Series,
  measureAgain: () => Promise<Series>,
): Promise<Verdict> => {
  const comparisons = judgeSeries(series);
  const outside = comparisons.filter(({ alike }) => !alike).map(({ what }) => what);
  const again =
    outside.length === 0
      ? []
      : judgeSeries(await measureAgain()).filter(({ what }) => outside.includes(what));
  const strangeAnswers = strangeShapes(series);
  const times = [...series.timesMs.values()].flat();
  const requests = times.length + series.faults;
  const { known, unknown } = series.following;
  return {
    condition,
    route,
    requests,
    faults: series.faults,
    medianMs: times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN,
    comparisons,
    again,
    strangeAnswers,
    followingAuc: known.length === 0 || unknown.length === 0 ? null : compare(known, unknown).auc,
    passed:
      strangeAnswers.length === 0 &&
      series.faults <= requests * faultShareMax &&
      again.every(({ alike }) => alike),
  };
};
