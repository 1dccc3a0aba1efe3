import type { Priority } from '@reconfirm/core/purposes/purpose';

/** Works on so many things at once and no more; of the others the most urgent goes first, the longest waiting of these. */
export interface Hands {
  /**
   * Resolves when the work is done, or left undone because the hands were folded before its turn. Rejects as
   * the work does. What names no priority goes with the most urgent.
   */
  take(work: () => Promise<void>, priority?: Priority): Promise<void>;
  /** How many wait for their turn. */
  waiting(): number;
  /** Leaves undone what waits. */
  fold(): void;
}

export interface HandsOptions {
  /** At once at most. */
  readonly count: number;
  /** From the beginning of one to the beginning of the next at least; a quiet time saves nothing up for a burst. */
  readonly spacingMs?: number;
  /** What else is worked on with the same means: counts against `count`, but never keeps all hands from working. */
  readonly busyElsewhere?: () => number;
}

export const createHands = ({ count, spacingMs = 0, busyElsewhere = () => 0 }: HandsOptions): Hands => {
  const lines: Readonly<Record<Priority, (() => void)[]>> = [[], [], []];
  let working = 0;
  let folded = false;
  let nextAtMs = 0;
  let timer: NodeJS.Timeout | undefined;

  const waiting = (): number => lines[0].length + lines[1].length + lines[2].length;
  const takeNext = (): (() => void) | undefined => lines[0].shift() ?? lines[1].shift() ?? lines[2].shift();
  const mayBegin = (): boolean => folded || working === 0 || working + busyElsewhere() < count;

  /** `nowMs` is the time that was planned for, so that timers that are late do not lower the rate. */
  const beginSome = (nowMs = performance.now()): void => {
    while (waiting() > 0 && mayBegin()) {
      if (!folded && nextAtMs > nowMs) {
        timer ??= setTimeout(wake, nextAtMs - performance.now());
        return;
      }
      nextAtMs = nowMs + spacingMs;
      working += 1;
      takeNext()?.();
    }
  };
  const wake = (): void => {
    timer = undefined;
    beginSome(nextAtMs);
  };

  return {
    take: async (work, priority = 0) => {
      await new Promise<void>((resolve) => {
        lines[priority].push(resolve);
        beginSome();
      });
      try {
        if (!folded) await work();
      } finally {
        working -= 1;
        beginSome();
      }
    },
    waiting,
    fold: () => {
      folded = true;
      clearTimeout(timer);
      beginSome();
    },
  };
};
