const notWritten = new WeakSet<Error>();

/**
 * Notes that this went wrong before anything could be committed: no statement had gone to the server, or only
 * ones of a transaction whose COMMIT had not. Hands the same error back.
 */
export const markNotWritten = (error: unknown): unknown => {
  if (error instanceof Error) notWritten.add(error);
  return error;
};

export const isMarkedNotWritten = (error: unknown): boolean =>
  error instanceof Error && notWritten.has(error);
