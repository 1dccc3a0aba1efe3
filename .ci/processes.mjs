// Reads /proc: Linux only.
import { readdirSync, readFileSync } from 'node:fs';

/** Every process below `root`, by number and start time, so that a reused number is not taken for it. */
export const descendants = (root) => {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => identify(Number(name)))
    .filter((found) => found !== undefined);
  const found = new Map();
  const visit = (pid) => {
    for (const child of processes.filter(({ parent }) => parent === pid)) {
      found.set(`${child.pid} ${child.startTime}`, child);
      visit(child.pid);
    }
  };
  visit(root);
  return found;
};

/** A running process by its number; undefined when there is none, or only a zombie. */
export const identify = (pid) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the command in parentheses may hold spaces; state, parent and, 20th from there, start time follow.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(fields[1]), startTime: fields[19], command };
  } catch {
    return undefined;
  }
};

/** Those of the seen processes that have not ended. */
export const stillRunning = (seen) =>
  [...seen.values()].filter(({ pid, startTime }) => identify(pid)?.startTime === startTime);
