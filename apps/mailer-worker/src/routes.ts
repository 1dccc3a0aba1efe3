import { isUnreachable, refusesSender } from '@reconfirm/core/failover';
import type { Hands } from '@reconfirm/queue/hands';
import type { Carrier } from './carrier.ts';
import type { Lane, LanePass } from './lane.ts';
import type { SenderLanes } from './sender-lanes.ts';
import type { SendResult } from './transports/transport.ts';

/** One provider of a channel: what composes and hands over for it, and the way to it. */
export interface Route {
  readonly carrier: Carrier;
  readonly lane: Lane;
  /** The ways of organizations with a sender of their own. */
  readonly senders: SenderLanes;
  /** Spaces the hand-overs of a provider that has a rate of its own; the queue keeps that of the first. */
  readonly pace?: Hands | undefined;
}

/** The providers of a channel, the wanted one first. */
export type Routes = readonly [Route, ...Route[]];

export interface Way {
  readonly route: Route;
  readonly pass: LanePass;
}

/** A way, and that of the organization's own sender where it has one. */
export interface SenderWay extends Way {
  readonly senderPass: LanePass | undefined;
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

/** Says on a way what the result says of it; returns whether it was an organization's own sender that was refused. */
export const tellWay = (result: SendResult, { pass, senderPass }: SenderWay): boolean => {
  if (result.kind === 'accepted') {
    pass.worked();
    senderPass?.worked();
    return false;
  }
  const { failure } = result;
  if (senderPass !== undefined && refusesSender(failure)) {
    // Says nothing about what else the provider may hold against us.
    senderPass.refused(failure.code);
    return true;
  }
  if (failure.kind === 'misconfigured') pass.refused(failure.code);
  else if (isUnreachable(failure)) pass.unreachable(failure.code);
  // It answered, if only to refuse: our set-up is right. Silence says nothing about that.
  else if (!isSilence(failure.code)) pass.worked();
  return false;
};

/** Nobody said anything, wherever it was lost. */
const isSilence = (code: string): boolean =>
  ['dns', 'connect', 'timeout', 'connection_lost', 'aborted'].includes(code);

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

/** Whose messages rest because the provider will not carry their sender. */
export const senderWarnings = (carried: string, routes: Routes): readonly string[] =>
  routes.flatMap(({ carrier, senders }) =>
    senders
      .refused()
      .map(
        ({ organizationId, failure }) =>
          `the ${carried} provider ${carrier.providerName} refuses the sender of organization ${organizationId} (${failure}); its messages rest`,
      ),
  );

const wordOf = ({ lane, carrier }: Route): string => {
  const problem = lane.problem();
  const name = carrier.providerName;
  return problem?.kind === 'unreachable'
    ? `${name} cannot be reached (${problem.failure})`
    : `${name} refuses our set-up (${problem?.failure})`;
};
