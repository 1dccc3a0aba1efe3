const pollMs = 20;

/**
 * Resolves with the first value that is neither undefined, null, false nor 0. Throws after `timeoutMs`
 * and says what was waited for, with the last error of the probe as its cause.
 */
export const eventually = async <T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<Exclude<T, undefined | null | false | 0>> => {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false && value !== 0)
        return value as Exclude<T, undefined | null | false | 0>;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
};

/** Checks over and over for `forMs` that something stays away. Throws as soon as the probe is true. */
export const neverDuring = async (
  what: string,
  forMs: number,
  probe: () => boolean | Promise<boolean>,
): Promise<void> => {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    if (await probe()) throw new Error(`happened although it must not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
};
