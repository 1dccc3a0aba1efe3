import { pauseSeconds } from '@reconfirm/core/retry';

/**
 * The way to the provider. When the provider refuses us for our own set-up (authentication, TLS,
 * quota), the lane closes for a growing while: no recipient pays for it, and an operator sees it.
 * After the rest one message goes ahead as a probe; the others follow when it got through.
 */
export interface Lane {
  /** A pass for one message, or null while the lane is closed or a probe is under way. */
  enter(): LanePass | null;
  /** What closes the lane, or null while it is open. */
  problem(): string | null;
}

/** One message's way through. Whoever holds it must leave, whatever else it has said before. */
export interface LanePass {
  /** The provider answered: our set-up is right. */
  worked(): void;
  /** Closes the lane and says in how many seconds it opens for the next probe. */
  refused(failure: string): number;
  leave(): void;
}

export interface LaneChange {
  readonly open: boolean;
  /** What the provider refused us for. Not called `code`: the logger hides fields of that name. */
  readonly failure?: string;
  readonly restSeconds?: number;
}

export interface LaneOptions {
  readonly nowMs: () => number;
  readonly chance: () => number;
  readonly onChange: (change: LaneChange) => void;
}

export const createLane = ({ nowMs, chance, onChange }: LaneOptions): Lane => {
  let refusals = 0;
  let closedUntilMs = 0;
  let failure: string | null = null;
  let probe: LanePass | null = null;

  const worked = (): void => {
    if (failure === null) return;
    refusals = 0;
    failure = null;
    onChange({ open: true });
  };

  const refused = (reason: string): number => {
    // Messages that were under way when the first refusal came say nothing new.
    if (failure !== null && nowMs() < closedUntilMs) return (closedUntilMs - nowMs()) / 1000;
    const restSeconds = pauseSeconds(refusals, chance());
    refusals += 1;
    failure = reason;
    closedUntilMs = nowMs() + restSeconds * 1000;
    onChange({ open: false, failure: reason, restSeconds });
    return restSeconds;
  };

  return {
    enter: () => {
      const isProbe = failure !== null;
      if (isProbe && (nowMs() < closedUntilMs || probe !== null)) return null;
      const pass: LanePass = {
        worked,
        refused,
        leave: () => {
          if (probe === pass) probe = null;
        },
      };
      if (isProbe) probe = pass;
      return pass;
    },
    problem: () => failure,
  };
};
