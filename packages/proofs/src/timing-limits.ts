import { waitUntil } from '@reconfirm/local-stack';
import type { ApiClient } from './api-client.ts';
import type { Answer } from './http-client.ts';
import type { Settings } from './installation.ts';
import type { AddressClass, Population } from './timing-population.ts';
import { questionOf, type TimedRoute } from './timing-routes.ts';

/** One request of one address is taken, the next are refused. What a registration has used is free again as a whole. */
export const tightLimits: Settings = {
  RATE_LIMIT_ADDRESS: '1/6',
  GOTRUE_RATE_LIMIT_EMAIL: '1/6',
  SINGULARITY_RATE_LIMIT_ADDRESS: '1/6',
};

export interface LimitVerdict {
  readonly route: string;
  readonly statuses: readonly number[];
  /** Sequences of answers that are not those of the first class. */
  readonly differences: readonly string[];
}

/** Everything of an answer, the figures of its limits included; only a second more or less of waiting is none. */
const limitShapeOf = ({ status, headers, body }: Answer): string => {
  const named = Object.entries(headers)
    .filter(([name]) => name !== 'date' && name !== 'content-length')
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .toSorted();
  return [status, ...named, JSON.stringify(body)]
    .join('\n')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/=[A-Za-z0-9_-]{20,}/g, '=<drawn>')
    .replaceAll(/(?<=t=|retry-after: "|reset: "|after |cooldown":|remaining":)\d+/gi, '<seconds>');
};

/** Asks three times about an address of each class that this API has not been asked about for a while. */
export const compareLimits = async (
  client: ApiClient,
  routes: readonly TimedRoute[],
  population: Population,
): Promise<readonly LimitVerdict[]> => {
  const verdicts: LimitVerdict[] = [];
  // Another client each time: what is left to it is its own affair.
  let asking = 0;
  for (const [index, route] of routes.entries()) {
    const seen = new Map<AddressClass, readonly Answer[]>();
    for (const [name, addresses] of population) {
      const address = addresses[index] ?? '';
      const isFree = async (): Promise<boolean> => (await client.cooldownSeconds(address)) === 0;
      await waitUntil('the registration counts no more', isFree, 40_000);
      const answers: Answer[] = [];
      for (let time = 0; time < 3; time += 1)
        answers.push(await client.ask('POST', route.path, questionOf(route, address, (asking += 1))));
      seen.set(name, answers);
    }
    const [first = [], ...others] = [...seen.values()];
    const shapes = first.map(limitShapeOf);
    const different = others.flatMap((answers) =>
      answers.map(limitShapeOf).filter((shape, at) => shape !== shapes[at]),
    );
    verdicts.push({
      route: route.name,
      statuses: first.map(({ status }) => status),
      differences: [...new Set(different)].flatMap((shape) => [`not as the first class: ${shape}`]),
    });
  }
  return verdicts;
};
