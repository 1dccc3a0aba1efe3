import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemErrorCode } from './stack-error.ts';

/**
 * What tells a process from a later one with the same number: when it started. Not its command, which Redis
 * and Postgres rewrite. Undefined when no such process runs; a zombie counts as gone, because it holds no
 * port and no file.
 */
export const processIdentity = (pid: number): string | undefined => {
  if (process.platform !== 'linux') return identityFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the command in parentheses may hold spaces, so fields are counted after the last ")".
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    // The start time counts from the boot, so the boot belongs to it.
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
};

const ps = (format: string, pid: number): string => {
  try {
    return execFileSync('ps', ['-o', format, '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 2000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
};

const identityFromPs = (pid: number): string | undefined => {
  const output = ps('stat=,lstart=', pid);
  return output === '' || output.startsWith('Z') ? undefined : output.replace(/^\S+\s+/, '');
};

export type ProcessParentage = { pid: number; parentPid: number; command: string };

/** The parent and the command line of a running process; an ending one may already have an empty command. */
export const readProcess = (pid: number): ProcessParentage | undefined => {
  if (process.platform !== 'linux') {
    const [, parentPid, command] = /^(\d+)\s+(.*)$/s.exec(ps('ppid=,command=', pid)) ?? [];
    return parentPid === undefined
      ? undefined
      : { pid, parentPid: Number(parentPid), command: command ?? '' };
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const parentPid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return {
      pid,
      parentPid,
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    };
  } catch {
    return undefined;
  }
};

/** Sends a signal to a process; one that is gone is no error. */
export const sendSignal = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
};

/** Kills all that is left of a process group. Members that are gone or foreign are no error. */
export const killGroup = (pid: number): void => {
  if (process.platform === 'win32') return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // macOS answers EPERM for a group of zombies.
    if (!['ESRCH', 'EPERM'].includes(systemErrorCode(error) ?? '')) throw error;
  }
};

export type StopStep = { signal: NodeJS.Signals; timeoutMs: number };

/**
 * Ends a process that is not our child, by the steps given and then by SIGKILL to its group. Returns once
 * the process is gone, or after two more seconds.
 */
export const endForeignProcess = async (
  pid: number,
  identity: string,
  steps: readonly StopStep[],
): Promise<void> => {
  const isGone = (): boolean => processIdentity(pid) !== identity;
  for (const { signal, timeoutMs } of steps) {
    if (isGone()) return;
    sendSignal(pid, signal);
    await waitUntil(isGone, timeoutMs);
  }
  if (isGone()) return;
  killGroup(pid);
  sendSignal(pid, 'SIGKILL');
  await waitUntil(isGone, 2000);
};

const waitUntil = async (condition: () => boolean, timeoutMs: number): Promise<void> => {
  const deadlineAt = performance.now() + timeoutMs;
  while (!condition() && performance.now() < deadlineAt) await delay(20);
};
