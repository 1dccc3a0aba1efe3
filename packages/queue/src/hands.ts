/** Works on so many things at once and no more; the others wait their turn. */
export interface Hands {
  /** Resolves when the work is done, or left undone because the hands were folded before its turn. */
  take(work: () => Promise<void>): Promise<void>;
  /** Leaves undone what waits. */
  fold(): void;
}

export const createHands = (count: number): Hands => {
  let free = count;
  let folded = false;
  const waiting: (() => void)[] = [];
  return {
    take: async (work) => {
      if (free > 0) free -= 1;
      // Whoever is done hands over to the next in line.
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        if (!folded) await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
    fold: () => {
      folded = true;
    },
  };
};
