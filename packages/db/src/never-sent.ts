const neverSent = new WeakSet<Error>();

/** Notes that no statement had gone to the server when this went wrong; hands the same error back. */
export const markNeverSent = (error: unknown): unknown => {
  if (error instanceof Error) neverSent.add(error);
  return error;
};

export const isMarkedNeverSent = (error: unknown): boolean => error instanceof Error && neverSent.has(error);
