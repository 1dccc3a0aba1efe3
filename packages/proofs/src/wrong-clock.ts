import { existsSync } from 'node:fs';
import type { Settings } from './installation.ts';

const libraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
];

/**
 * Environment of a process whose clock is wrong by so many minutes; undefined where Debian's libfaketime is
 * not installed. Timers keep their length: they go by the monotonic clock, which stays.
 */
export const wrongClock = (minutes: number): Settings | undefined => {
  const library = libraries.find((path) => existsSync(path));
  return library === undefined
    ? undefined
    : {
        LD_PRELOAD: library,
        FAKETIME: `${minutes < 0 ? '-' : '+'}${Math.abs(minutes)}m`,
        DONT_FAKE_MONOTONIC: '1',
      };
};
