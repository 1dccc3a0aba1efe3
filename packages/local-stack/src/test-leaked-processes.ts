import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export type LeakedProcess = { pid: number; command: string };

/**
 * The processes that can still write to this one's output: its children and theirs, also those that have
 * cut every other tie to it. Vitest reads that output until the last of them has ended, so one that was
 * forgotten would hold up the whole run. Empty where there is no /proc.
 */
export const processesHoldingOutput = (): LeakedProcess[] => {
  // A file, a terminal or /dev/null is shared with everybody, and says nothing.
  const outputs = [1, 2]
    .flatMap((fd) => readLink(`/proc/self/fd/${fd}`))
    .filter((link) => /^(pipe|socket):/.test(link));
  if (outputs.length === 0) return [];
  const holdsOutput = (pid: number): boolean =>
    listNames(`/proc/${pid}/fd`).some((fd) =>
      readLink(`/proc/${pid}/fd/${fd}`).some((link) => outputs.includes(link)),
    );
  return (
    listNames('/proc')
      .map(Number)
      // Our parent has the other end.
      .filter((pid) => pid > 1 && pid !== process.pid && pid !== process.ppid && holdsOutput(pid))
      .map((pid) => ({ pid, command: commandOf(pid) }))
  );
};

/** Ends a process without asking it; one that is gone is no error. */
export const killProcess = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile, or is not ours.
  }
};

const listNames = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const readLink = (path: string): string[] => {
  try {
    return [readlinkSync(path)];
  } catch {
    return [];
  }
};

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return 'ended meanwhile';
  }
};
