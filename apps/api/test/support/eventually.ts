/** Resolves with the first answer of `look` that is not undefined; rejects with `what` when none comes in time. */
export const eventually = async <T>(
  what: string,
  look: () => Promise<T | undefined>,
  timeoutMs = 5000,
): Promise<T> => {
  const deadlineAt = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadlineAt) throw new Error(`Within ${timeoutMs} ms it did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
