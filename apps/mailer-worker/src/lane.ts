import { pauseSeconds } from '@reconfirm/core/retry';

/**
 * The way to one provider. When the provider refuses us for our own set-up (authentication, TLS, quota), or,
 * where another one stands in, cannot be reached several times in a row, the lane closes for a growing while:
 * no recipient pays for it, and an operator sees it. After the rest one message goes ahead as a probe; the
 * others follow when it got through.
 */
export interface Lane {
  /** A pass for one message, or null while the lane is closed or a probe is under way. */
  enter(): LanePass | null;
  /** What closes the lane, or null while it is open. */
  problem(): LaneProblem | null;
  /** In how many seconds the next message may enter; 0 while it is open, and while a probe is under way. */
  restSeconds(): number;
}

export interface LaneProblem {
  readonly kind: 'refuses_us' | 'unreachable';
  readonly failure: string;
}

/** One message's way through. Whoever holds it must leave, whatever else it has said before. */
export interface LanePass {
  /** The provider answered: our set-up is right. */
  worked(): void;
  /** Closes the lane and says in how many seconds it opens for the next probe. */
  refused(failure: string): number;
  /** Nobody answered. Closes the lane when that was often enough. */
  unreachable(failure: string): void;
  leave(): void;
}

export interface LaneChange {
  readonly open: boolean;
  readonly kind?: LaneProblem['kind'];
  /** What the provider refused us for. Not called `code`: the logger hides fields of that name. */
  readonly failure?: string;
  readonly restSeconds?: number;
}

export interface LaneOptions {
  readonly nowMs: () => number;
  readonly chance: () => number;
  readonly onChange: (change: LaneChange) => void;
  /**
   * Messages in a row that find nobody there, after which the lane closes. Without another provider it never
   * does for that: each message has its own retries.
   */
  readonly unreachableMax?: number | undefined;
}

export const createLane = ({ nowMs, chance, onChange, unreachableMax = Infinity }: LaneOptions): Lane => {
  let refusals = 0;
  let unanswered = 0;
  let closedUntilMs = 0;
  let problem: LaneProblem | null = null;
  let probe: LanePass | null = null;

  const worked = (): void => {
    unanswered = 0;
    if (problem === null) return;
    refusals = 0;
    problem = null;
    onChange({ open: true });
  };

  const close = (reason: LaneProblem): number => {
    // Messages that were under way when the first refusal came say nothing new.
    if (problem !== null && nowMs() < closedUntilMs) return (closedUntilMs - nowMs()) / 1000;
    const restSeconds = pauseSeconds(refusals, chance());
    refusals += 1;
    problem = reason;
    closedUntilMs = nowMs() + restSeconds * 1000;
    onChange({ open: false, ...reason, restSeconds });
    return restSeconds;
  };

  const unreachable = (failure: string): void => {
    unanswered += 1;
    // A probe that finds nobody there closes the lane again, whatever had closed it.
    const isEnough = unanswered >= unreachableMax || (problem !== null && unreachableMax < Infinity);
    if (isEnough) close({ kind: 'unreachable', failure });
  };

  return {
    enter: () => {
      const isProbe = problem !== null;
      if (isProbe && (nowMs() < closedUntilMs || probe !== null)) return null;
      const pass: LanePass = {
        worked,
        refused: (failure) => close({ kind: 'refuses_us', failure }),
        unreachable,
        leave: () => {
          if (probe === pass) probe = null;
        },
      };
      if (isProbe) probe = pass;
      return pass;
    },
    problem: () => problem,
    restSeconds: () => (problem === null ? 0 : Math.max(0, closedUntilMs - nowMs()) / 1000),
  };
};
