import { readProcess, type ProcessParentage } from '../process-identity.ts';

const RUNNER = /^(?:\S*\/)?(?:npm|npx|pnpm|(?:ba|da)?sh -c)\b|\/(?:npm|npx|pnpm)(?:-cli)?(?:\.c?js)?\s/;

/** The script runners above this process, nearest first: `npm start` alone is six of them. */
const runnersAbove = (): ProcessParentage[] => {
  const runners: ProcessParentage[] = [];
  for (let pid = process.ppid; pid > 1;) {
    const above = readProcess(pid);
    if (above === undefined || !RUNNER.test(above.command)) break;
    runners.push(above);
    pid = above.parentPid;
  }
  return runners;
};

/**
 * Calls back once when one of the script runners that started this process is gone: they do not all pass a
 * signal on, and nobody could stop this process any more. Whoever started the outermost one may leave.
 */
export const watchRunners = (onGone: () => void): void => {
  if (process.platform === 'win32') return;
  const runners = runnersAbove();
  if (runners.length === 0) return;
  const isBroken = (): boolean =>
    process.ppid !== runners[0]?.pid ||
    runners.some((runner, index) => {
      const above = runners[index + 1];
      return above !== undefined && readProcess(runner.pid)?.parentPid !== above.pid;
    });
  const timer = setInterval(
    () => {
      if (!isBroken()) return;
      clearInterval(timer);
      onGone();
    },
    // Elsewhere each look is a few runs of `ps`.
    process.platform === 'linux' ? 300 : 2000,
  );
  timer.unref();
};
