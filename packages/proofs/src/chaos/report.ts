import { percentile } from '../load.ts';
import type { ChaosProgress, ChaosResult } from './run-chaos.ts';
import { invariants, type Invariant } from './violations.ts';
import type { Footprint } from './fleet.ts';

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const words = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name.replaceAll('_', ' ')} ${count}`)
    .join(', ');

/** p50, p95, p99 and the largest. */
const spread = (values: readonly number[], unit: string, digits = 1): string =>
  values.length === 0
    ? 'none'
    : `p50 ${percentile(values, 0.5).toFixed(digits)}, p95 ${percentile(values, 0.95).toFixed(digits)}, p99 ${percentile(values, 0.99).toFixed(digits)}, max ${percentile(values, 1).toFixed(digits)} ${unit} (${values.length})`;

export const progressLine = (progress: ChaosProgress, elapsedSeconds: number): string =>
  [
    `${elapsedSeconds.toFixed(0).padStart(5)} s`,
    progress.phase.padEnd(5),
    `${progress.asked} requests`,
    `${progress.copies} mails`,
    `${sum(progress.faults)} faults`,
    `${sum(progress.mailFaults)} SMTP faults`,
    `${progress.unavailable} times 503`,
    progress.violations === 0 ? 'nothing wrong' : `${progress.violations} VIOLATIONS`,
  ].join('  ');

/** Median of the first and of the last third, and what the slope between them is in an hour. */
const growth = (taken: readonly Footprint[], of: (footprint: Footprint) => number): string => {
  // The first minutes fill caches.
  const settled = taken.slice(Math.min(12, Math.floor(taken.length / 4)));
  if (settled.length < 6) return 'too few looks';
  const third = Math.floor(settled.length / 3);
  const median = (part: readonly Footprint[]): number => percentile(part.map(of), 0.5);
  const [first, last] = [median(settled.slice(0, third)), median(settled.slice(-third))];
  const hours = ((settled.at(-1)?.atMs ?? 0) - (settled[0]?.atMs ?? 0)) / 3_600_000;
  const slope = ((last - first) / first / ((hours * 2) / 3)) * 100;
  return `${first.toFixed(0)} to ${last.toFixed(0)} (${slope >= 0 ? '+' : ''}${slope.toFixed(1)} % an hour)`;
};

/** Everything that was counted, for people. */
export const reportOf = (result: ChaosResult): string => {
  const { checked, violations, caller, people, footprints } = result;
  const lines = [
    `seed ${result.seed}: ${result.requests} requests in ${result.loadSeconds.toFixed(0)} s, ${result.accepted} accepted, ${people.refused} refused by a limit; at rest ${result.drainSeconds.toFixed(1)} s later`,
    `faults ${sum(result.faults)}: ${words(result.faults)}; ${result.starts} processes started`,
    `SMTP faults ${sum(result.mailFaults)}: ${words(result.mailFaults)}`,
    `asked again: ${caller.unanswered} without an answer, ${caller.unavailable} after a 503`,
    `answers at the first try: ${spread(caller.tookMs, 'ms', 0)}`,
    `messages ${checked.messages}, copies ${checked.copies}, of which extra ${checked.extraCopies} (at most ${checked.copiesOfOneMax} of one)`,
    `from the answer to the first copy: ${spread(result.firstCopySeconds, 's', 2)}`,
    `from a worker's last sign of life to the next worker's claim: ${spread(checked.recoverySeconds, 's')}`,
    `from an attempt without outcome to the next, over every fault in between: ${spread(checked.betweenAttemptsSeconds, 's')}`,
    `SIGTERM to exit: ${spread(
      result.stopMs.map((ms) => ms / 1000),
      's',
    )}`,
    `reports ${result.reportsTaken} taken; clicks ${people.clicks}; older links tried at once ${people.olderTried}; links tried at the end ${checked.linksTried}`,
    ...(['api', 'worker'] as const).map(
      (kind) =>
        `memory of the spared ${kind} in MB: ${growth(footprints[kind], ({ rssMb }) => rssMb)}; open files: ${growth(footprints[kind], ({ files }) => files)}`,
    ),
    ...result.bloat,
    '',
    ...(Object.entries(invariants) as [Invariant, string][]).flatMap(([name, meaning]) => [
      `${String(violations.count(name)).padStart(6)}  ${meaning}`,
      ...violations.examples(name).map((example) => `          ${example}`),
    ]),
  ];
  return lines.join('\n');
};
