import { writeSync } from 'node:fs';
import type { FailPoint } from '@reconfirm/core/fail-point';

/** Says that the process has come to a point. Resolves at once for every point but the one at which it is to die. */
export type PassPoint<Name extends string> = (name: Name) => Promise<void>;

/**
 * Kills this process when the nth passage of the point begins, as an out-of-memory killer would: nothing is
 * closed, flushed or given back. A passage before that one never comes back from the point: whoever waits for
 * it stays there until the end. The one line on standard error tells this death from any other.
 */
export const createPassPoint = <Name extends string>({ name, nth }: FailPoint<Name>): PassPoint<Name> => {
  let passages = 0;
  return (passed) => {
    if (passed !== name) return Promise.resolve();
    passages += 1;
    if (passages === nth) {
      writeSync(2, `${JSON.stringify({ msg: 'failpoint.reached', name, nth })}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    return new Promise(() => undefined);
  };
};
