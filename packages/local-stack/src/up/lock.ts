import { linkSync, renameSync } from 'node:fs';
import { removePidFile, runningProcess, writePidFile } from '../pid-file.ts';
import { StackError, systemErrorCode } from '../stack-error.ts';

const tryLink = (from: string, to: string): boolean => {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
};

const refuse = (pid: number): never => {
  throw new StackError(
    'already_running',
    `Reconfirm is already running in this folder (process ${pid}): use it, or stop it with Ctrl-C first.`,
  );
};

/**
 * Takes the lock file or throws StackError `already_running`. A file whose process is gone is replaced, so a
 * crash locks nobody out. Returns how to release it.
 */
export const acquireLock = (path: string): (() => void) => {
  const own = `${path}.${process.pid}`;
  writePidFile(own, process.pid);
  try {
    while (!tryLink(own, path)) {
      const holder = runningProcess(path);
      if (holder !== undefined) return refuse(holder.pid);
      replaceStale(path);
    }
  } finally {
    removePidFile(own);
  }
  return () => removePidFile(path);
};

/** Between reading and renaming somebody quicker may have taken the lock; theirs is put back. */
const replaceStale = (path: string): void => {
  const moved = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, moved);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  const holder = runningProcess(moved);
  if (holder !== undefined) tryLink(moved, path);
  removePidFile(moved);
  if (holder !== undefined) refuse(holder.pid);
};
