/** The result of the work, or a rejection after `timeoutMs` that says what took too long. */
export const withinMs = async <T>(what: string, timeoutMs: number, work: Promise<T>): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end in ${timeoutMs} ms: ${what}`)), timeoutMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
