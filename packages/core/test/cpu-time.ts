/**
 * The least processor time that some work took in five runs, in ms. Not the time by the clock: on a busy
 * machine that is spent waiting for a turn.
 */
export const leastCpuMs = (work: () => unknown): number => {
  const runs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...runs);
};
