import { setTimeout as delay } from 'node:timers/promises';

/**
 * By then a request that was charged is a row, unless the database is in trouble; it leaves an answer half of the
 * 300 ms that it may take while Redis is away.
 */
const rowWithinMs = 150;

/**
 * Waits until what was charged before Redis forgot is to be found in the rows, so that requests of the same
 * moment do not open a limit: only the process that has them in hand knows of them. `forgottenMs`: how long ago it
 * forgot; past that time nobody waits.
 */
export const untilInRows = async (forgottenMs: number): Promise<void> => {
  if (forgottenMs < rowWithinMs) await delay(rowWithinMs - forgottenMs);
};
