import type { Answer, HttpClient } from './http-client.ts';
import { knownClasses, type AddressClass, type Population } from './timing-population.ts';
import { questionOf, type TimedRoute } from './timing-routes.ts';
import { shuffled } from './timing-statistics.ts';

/** What was measured of one route. */
export interface Series {
  readonly timesMs: ReadonlyMap<AddressClass, readonly number[]>;
  /** Everything about the answers of a class but time and chance, with how often each was seen. */
  readonly shapes: ReadonlyMap<AddressClass, ReadonlyMap<string, number>>;
  /** Times of answers about unknown addresses: those that followed a known one, and the others. */
  readonly following: { readonly known: readonly number[]; readonly unknown: readonly number[] };
  /** Answers of 500 and above: they are not timed. */
  readonly faults: number;
}

export interface SeriesPlan {
  readonly client: HttpClient;
  readonly route: TimedRoute;
  readonly population: Population;
  /** How many requests about each class. */
  readonly counts: ReadonlyMap<AddressClass, number>;
  readonly random: () => number;
}

// Compiling, opening the connection and filling the caches is over after these.
const WARM_UP_MAX = 1000;

/**
 * Asks one after the other over one connection, the classes in random order, and every address of a class as
 * often as those of any other: what an earlier request leaves behind is the same for all.
 */
export const measureSeries = async ({
  client,
  route,
  population,
  counts,
  random,
}: SeriesPlan): Promise<Series> => {
  const plan = shuffled(
    [...counts].flatMap(([name, count]) => Array.from({ length: count }, () => name)),
    random,
  );
  const addressesOf = new Map([...counts.keys()].map((name) => [name, endless(population.get(name) ?? [])]));
  const timesMs = new Map<AddressClass, number[]>([...counts.keys()].map((name) => [name, []]));
  const shapes = new Map<AddressClass, Map<string, number>>(
    [...counts.keys()].map((name) => [name, new Map()]),
  );
  const following = { known: [] as number[], unknown: [] as number[] };
  let faults = 0;
  let previous: AddressClass | undefined;
  const ask = (name: AddressClass): Promise<Answer> =>
    client.ask(
      'POST',
      route.path,
      questionOf(route, addressesOf.get(name)?.next().value ?? '', Math.floor(random() * 2 ** 24)),
    );

  for (const name of plan.slice(0, Math.min(WARM_UP_MAX, Math.ceil(plan.length / 10)))) await ask(name);
  for (const name of plan) {
    const answer = await ask(name);
    if (answer.status >= 500) {
      faults += 1;
      previous = undefined;
      continue;
    }
    timesMs.get(name)?.push(answer.tookMs);
    if (name === 'unknown' && previous !== undefined)
      following[previous === 'unknown' ? 'unknown' : 'known'].push(answer.tookMs);
    const seen = shapes.get(name);
    const shape = shapeOf(answer);
    seen?.set(shape, (seen.get(shape) ?? 0) + 1);
    previous = name;
  }
  return { timesMs, shapes, following, faults };
};

function* endless(addresses: readonly string[]): Generator<string, string> {
  if (addresses.length === 0) throw new RangeError('there is nobody to ask about');
  for (;;) yield* addresses;
}

/** Of these headers the value is drawn or counts time for everybody; that they are there is compared all the same. */
const changing = new Set(['date', 'ratelimit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'retry-after']);

/** An answer without what is drawn for everybody: ids, times, the value of a cookie. */
export const shapeOf = ({ status, headers, body }: Answer): string => {
  const named = Object.keys(headers)
    .toSorted()
    .map((name) => (changing.has(name) ? name : `${name}: ${masked(JSON.stringify(headers[name]))}`));
  return [status, ...named, masked(JSON.stringify(body))].join('\n');
};

const masked = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>')
    .replaceAll(/p[0-9a-z]{9}@example\.com/g, '<address>')
    .replaceAll(/=[A-Za-z0-9_-]{20,}/g, '=<drawn>');

/** Answers that a known address got and no unknown one ever did, or the other way round. */
export const strangeShapes = ({ shapes }: Series): readonly string[] => {
  const ofUnknown = shapes.get('unknown') ?? new Map<string, number>();
  const ofKnown = new Map(knownClasses.flatMap((name) => [...(shapes.get(name) ?? [])]));
  return [
    ...[...ofKnown.keys()].filter((shape) => !ofUnknown.has(shape)).map((shape) => `only known: ${shape}`),
    ...[...ofUnknown.keys()].filter((shape) => !ofKnown.has(shape)).map((shape) => `only unknown: ${shape}`),
  ];
};
