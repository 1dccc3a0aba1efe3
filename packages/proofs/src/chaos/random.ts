/** Random choices that one seed repeats. Not for secrets. */
export interface Random {
  /** 0 up to, not including, 1. */
  next(): number;
  /** Whether something of this probability happens. */
  chance(share: number): boolean;
  /** From `least` up to, not including, `most`. */
  between(least: number, most: number): number;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** A key, in proportion to its weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  /** A stream of its own: what one part draws does not shift what another one does. */
  fork(): Random;
}

/** Mulberry32, a 32-bit generator by Tommy Ettinger: good enough to choose what breaks next. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    chance: (share) => next() < share,
    between: (least, most) => least + next() * (most - least),
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
    weighted: (weights) => {
      const entries = Object.entries<number>(weights) as [keyof typeof weights, number][];
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name;
      }
      return (entries.at(-1) ?? entries[0])?.[0] as keyof typeof weights;
    },
    fork: () => createRandom(Math.floor(next() * 2 ** 32)),
  };
};
