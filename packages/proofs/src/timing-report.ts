import type { TimingReport } from './timing-run.ts';
import type { Judged, Verdict } from './timing-verdict.ts';

/** The report for people: what was measured, each comparison in a line, and what it comes to. */
export const printReport = (report: TimingReport): string => {
  const lines = report.verdicts.flatMap(linesOf);
  const { control } = report;
  return [
    ...lines,
    '',
    ...report.limits.flatMap(({ route, statuses, differences }) => [
      `Limits, ${route}: ${statuses.join(', ')}, ${differences.length === 0 ? 'alike for every class' : 'DIFFERENT'}`,
      ...differences.map(indented),
    ]),
    `Control (more is read of known addresses): ${figuresOf(control)}, ${control.alike ? 'NOT TOLD APART: this run shows nothing' : 'told apart'}`,
    '',
    report.passed
      ? `Nobody can tell who has an account by these answers (seed ${report.seed}).`
      : `A difference was found, or the run shows nothing; run again with --seed ${report.seed} to see it.`,
  ].join('\n');
};

const linesOf = (verdict: Verdict): string[] => [
  '',
  `${verdict.route}, ${verdict.condition}: ${verdict.requests} requests, median ${verdict.medianMs.toFixed(2)} ms, ${verdict.passed ? 'alike' : 'DIFFERENT'}`,
  ...verdict.comparisons.map((comparison) => indented(figuresOf(comparison))),
  ...verdict.again.map((comparison) => indented(`again: ${figuresOf(comparison)}`)),
  ...(verdict.faults > 0 ? [indented(`${verdict.faults} answers of 500 and above`)] : []),
  ...(verdict.followingAuc === null
    ? []
    : [
        indented(
          `the request after one about a known address: AUC ${verdict.followingAuc.toFixed(4)} (not judged)`,
        ),
      ]),
  ...verdict.strangeAnswers.map(indented),
];

const figuresOf = ({ what, sizes, auc, gate, distance, distanceMax, alike }: Judged): string =>
  `${what} (${sizes[0]}) against unknown (${sizes[1]}): AUC ${auc.toFixed(4)} (0.5 ± ${gate.toFixed(4)}), KS ${distance.toFixed(4)} (below ${distanceMax.toFixed(4)})${alike ? '' : ' OUTSIDE'}`;

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');
