import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { endForeignProcess, processIdentity, type StopStep } from './process-identity.ts';

const readPidFile = (path: string): { pid: number; identity: string } | undefined => {
  try {
    const { pid, identity } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return undefined;
    return typeof identity === 'string' ? { pid, identity } : undefined;
  } catch {
    // Missing, or cut short by a crash: either way it names no process.
    return undefined;
  }
};

/** Notes a running process together with its identity, so that a reused number is never taken for it. */
export const writePidFile = (path: string, pid: number): void => {
  const identity = processIdentity(pid);
  if (identity !== undefined) writeFileSync(path, JSON.stringify({ pid, identity }));
};

export const removePidFile = (path: string): void => rmSync(path, { force: true });

/** The process that the file names, if that very process still runs. */
export const runningProcess = (path: string): { pid: number; identity: string } | undefined => {
  const noted = readPidFile(path);
  return noted !== undefined && processIdentity(noted.pid) === noted.identity ? noted : undefined;
};

/** Ends what an earlier run left behind, if anything, and removes the file. */
export const reapOrphan = async (path: string, steps: readonly StopStep[]): Promise<void> => {
  const orphan = runningProcess(path);
  if (orphan !== undefined) await endForeignProcess(orphan.pid, orphan.identity, steps);
  removePidFile(path);
};
