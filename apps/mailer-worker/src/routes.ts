import type { Hands } from '@reconfirm/queue/hands';
import type { Carrier } from './carrier.ts';
import type { Lane, LanePass } from './lane.ts';

/** One provider of a channel: what composes and hands over for it, and the way to it. */
export interface Route {
  readonly carrier: Carrier;
  readonly lane: Lane;
  /** Spaces the hand-overs of a provider that has a rate of its own; the queue keeps that of the first. */
  readonly pace?: Hands | undefined;
}

/** The providers of a channel, the wanted one first. */
export type Routes = readonly [Route, ...Route[]];

export interface Way {
  readonly route: Route;
  readonly pass: LanePass;
}

/**
 * The first provider that takes a message now, or its probe; those in `tried` have had this one already. Null
 * while every way is closed: then the message stays due, and no attempt is burnt.
 */
export const findWay = (routes: Routes, tried: ReadonlySet<Route>): Way | null => {
  for (const route of routes) {
    const pass = tried.has(route) ? null : route.lane.enter();
    if (pass !== null) return { route, pass };
  }
  return null;
};

/** Whether a provider that has not had the message takes messages now. A probe would not do: it may fail too. */
export const hasOpenWay = (routes: Routes, tried: ReadonlySet<Route>): boolean =>
  routes.some((route) => !tried.has(route) && route.lane.problem() === null);

/** In how many seconds some provider may take a message again; at least one, so that nobody asks in a circle. */
export const restSecondsOf = (routes: Routes): number =>
  Math.max(1, Math.min(...routes.map(({ lane }) => lane.restSeconds())));

/** What an operator must know when every way of a channel is closed, as sentences. */
export const routeProblems = (carried: string, routes: Routes): readonly string[] =>
  routes.every(({ lane }) => lane.problem() !== null)
    ? routes.map((route) => `the ${carried} provider ${wordOf(route)}; deliveries rest`)
    : [];

/** The same where others carry the messages meanwhile. */
export const routeWarnings = (carried: string, routes: Routes): readonly string[] => {
  const open = routes.find(({ lane }) => lane.problem() === null);
  if (open === undefined) return [];
  return routes
    .filter(({ lane }) => lane.problem() !== null)
    .map(
      (route) => `the ${carried} provider ${wordOf(route)}; ${open.carrier.providerName} carries meanwhile`,
    );
};

const wordOf = ({ lane, carrier }: Route): string => {
  const problem = lane.problem();
  const name = carrier.providerName;
  return problem?.kind === 'unreachable'
    ? `${name} cannot be reached (${problem.failure})`
    : `${name} refuses our set-up (${problem?.failure})`;
};
