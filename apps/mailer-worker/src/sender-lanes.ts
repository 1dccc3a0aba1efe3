import { createLane, type Lane, type LaneChange, type LanePass, type LaneProblem } from './lane.ts';

export interface RefusedSender {
  readonly organizationId: string;
  readonly failure: string;
}

/**
 * The ways of those organizations to one provider that send in a name of their own. Where the provider refuses
 * that sender, the messages of that organization rest, as those of all do when it refuses us: none pays for it,
 * and one goes ahead as a probe. Another sender, once it is set, is tried at once.
 */
export interface SenderLanes {
  /** A pass for one message, or null while the sender rests or a probe is under way. */
  enter(organizationId: string, sender: string): LanePass | null;
  /** In how many seconds a message of the organization may go; at least one, so that nobody asks in a circle. */
  restSeconds(organizationId: string): number;
  refused(): readonly RefusedSender[];
}

export interface SenderLanesOptions {
  readonly nowMs: () => number;
  readonly chance: () => number;
  readonly onChange: (organizationId: string, change: LaneChange) => void;
}

export const createSenderLanes = ({ nowMs, chance, onChange }: SenderLanesOptions): SenderLanes => {
  const lanes = new Map<string, { readonly sender: string; readonly lane: Lane }>();

  const laneOf = (organizationId: string, sender: string): Lane => {
    const known = lanes.get(organizationId);
    if (known?.sender === sender) return known.lane;
    const lane = createLane({ nowMs, chance, onChange: (change) => onChange(organizationId, change) });
    lanes.set(organizationId, { sender, lane });
    return lane;
  };
  const refusalOf = (organizationId: string, problem: LaneProblem | null): readonly RefusedSender[] =>
    problem === null ? [] : [{ organizationId, failure: problem.failure }];

  return {
    enter: (organizationId, sender) => laneOf(organizationId, sender).enter(),
    restSeconds: (organizationId) => Math.max(1, lanes.get(organizationId)?.lane.restSeconds() ?? 0),
    refused: () => [...lanes].flatMap(([id, { lane }]) => refusalOf(id, lane.problem())),
  };
};
