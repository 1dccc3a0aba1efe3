/**
 * The same work, begun at most `max` times in `windowSeconds`, evenly spaced; calls wait their turn.
 * For deliveries without the queue, which otherwise keeps the rate: each worker then keeps it by itself.
 */
export const paced = <T>(
  work: (item: T) => Promise<void>,
  rate: { readonly max: number; readonly windowSeconds: number },
): ((item: T) => Promise<void>) => {
  const spacingMs = (rate.windowSeconds * 1000) / rate.max;
  let nextAtMs = 0;
  return async (item) => {
    const nowMs = performance.now();
    const startMs = Math.max(nowMs, nextAtMs);
    nextAtMs = startMs + spacingMs;
    if (startMs > nowMs) await new Promise((resolve) => setTimeout(resolve, startMs - nowMs));
    await work(item);
  };
};
