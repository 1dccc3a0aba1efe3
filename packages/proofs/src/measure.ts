import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceProcess } from './service-process.ts';

export interface Measured {
  readonly name: string;
  /** Lines of its log that are warnings or worse. */
  readonly complaintsPerSecond: number;
  /** Of one core: 1 is all of it. */
  readonly cpuShare: number;
}

/** What a process does with its time for so many seconds, whatever goes on meanwhile. */
export const measure = async (service: ServiceProcess, seconds: number): Promise<Measured> => {
  const look = async () => ({
    atMs: performance.now(),
    complaints: service.complaints(),
    cpuSeconds: await service.metric('process_cpu_seconds_total'),
  });
  const before = await look();
  await delay(seconds * 1000);
  const after = await look();
  const tookSeconds = (after.atMs - before.atMs) / 1000;
  return {
    name: service.name,
    complaintsPerSecond: (after.complaints - before.complaints) / tookSeconds,
    cpuShare: (after.cpuSeconds - before.cpuSeconds) / tookSeconds,
  };
};

/** Looks at a process' memory four times a second. */
const LOOKS_PER_SECOND = 4;

/**
 * By how many MB the memory of a process grows in so many seconds: the least that it had in the last quarter over
 * the least in the first, because what garbage waits to be collected is no growth.
 */
export const rssGrowthMb = async (service: ServiceProcess, seconds: number): Promise<number> => {
  const bytes: number[] = [];
  for (let look = 0; look < seconds * LOOKS_PER_SECOND; look += 1) {
    bytes.push(await service.metric('process_resident_memory_bytes'));
    await delay(1000 / LOOKS_PER_SECOND);
  }
  const quarter = Math.ceil(bytes.length / 4);
  return (Math.min(...bytes.slice(-quarter)) - Math.min(...bytes.slice(0, quarter))) / 1024 / 1024;
};
