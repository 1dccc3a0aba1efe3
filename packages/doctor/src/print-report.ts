import type { Finding, Severity } from '@reconfirm/core/doctor/finding';
import type { Report } from '@reconfirm/core/doctor/report';

const marks = { ok: 'ok', warning: 'warning', error: 'ERROR', unknown: '?' } as const satisfies Record<
  Severity,
  string
>;

const titles = {
  sender: 'From',
  spf: 'SPF',
  dkim: 'DKIM',
  dmarc: 'DMARC',
  mx: 'MX',
  bounce_address: 'Bounces',
  smtp: 'SMTP server',
  clock: 'Clock',
  webhook: 'Webhooks',
  tracking: 'Tracking',
  settings: 'Settings',
} as const satisfies Record<Finding['check'], string>;

const markWidth = 9;
const titleWidth = 13;
const indent = markWidth + titleWidth;

/** The report as a person reads it in a terminal of `width` columns. Records are never broken: they are to be copied. */
export const printReport = (report: Report, width: number): string => {
  const textWidth = Math.max(40, Math.min(width, 110) - indent);
  const head = report.domain === null ? 'Set-up of the sender' : `Set-up of the sender ${report.domain}`;
  const blocks = report.findings.map((finding) => printFinding(finding, textWidth));
  return [head, '', ...blocks, '', summaryOf(report), ''].join('\n');
};

const printFinding = (finding: Finding, width: number): string => {
  const head = marks[finding.severity].padEnd(markWidth) + titles[finding.check].padEnd(titleWidth);
  const lines = wrap(finding.what, width);
  if (finding.severity !== 'ok') {
    lines.push(...wrap(finding.why, width), ...wrap(`→ ${finding.doThis}`, width));
    const { record } = finding;
    if (record !== undefined) lines.push(`  ${record.name}  ${record.type}  ${record.value}`);
  }
  return `${head}${lines.join(`\n${' '.repeat(indent)}`)}`;
};

const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
};

const summaryOf = ({ findings }: Report): string => {
  const count = (severity: Severity): number => findings.filter((one) => one.severity === severity).length;
  const parts = [
    counted(count('error'), 'error', 'errors'),
    counted(count('warning'), 'warning', 'warnings'),
    counted(count('unknown'), 'unknown', 'unknown'),
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'All is well.' : `${parts.join(', ')}; the rest is well.`;
};

const counted = (count: number, one: string, many: string): string =>
  count === 0 ? '' : `${count} ${count === 1 ? one : many}`;
