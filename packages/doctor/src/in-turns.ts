/** Does work on every item, at most `widthMax` at once. Rejects with the first fault. */
export const inTurns = async <T>(
  items: readonly T[],
  widthMax: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const waiting = [...items];
  const hand = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(widthMax, items.length) }, hand));
};
