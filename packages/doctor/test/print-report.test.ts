import { expect, test } from 'vitest';
import type { Report } from '@reconfirm/core/doctor/report';
import { printReport } from '../src/print-report.ts';

const at = new Date('2026-11-25T12:00:00Z');
const value = `v=spf1 ${'include:a-long-name.example.com '.repeat(6)}~all`;
const report: Report = {
  domain: 'example.com',
  at,
  verdict: 'error',
  findings: [
    { check: 'sender', severity: 'ok', what: 'Mail is written in the name of example.com' },
    {
      check: 'spf',
      severity: 'error',
      what: 'A long sentence that says what is wrong with the record of the domain, and goes on for more than a line',
      why: 'Because.',
      doThis: 'Publish this.',
      record: { type: 'TXT', name: 'example.com', value },
    },
    { check: 'clock', severity: 'unknown', what: 'No clock', why: 'It matters.', doThis: 'Look.' },
  ],
};

test('a report keeps its columns at any width, and never breaks a record', () => {
  for (const width of [20, 72, 80, 100, 300]) {
    const lines = printReport(report, width).split('\n');
    const body = lines.filter((line) => line !== '' && !line.includes(value)).slice(1, -1);
    for (const line of body) {
      expect(line.slice(0, 22)).toMatch(/^(?: {22}|(?:ok|ERROR|\?) +(?:From|SPF|Clock) +)$/);
      expect(line.length).toBeLessThanOrEqual(Math.max(62, Math.min(width, 110)));
    }
    expect(lines).toContain(`${' '.repeat(24)}example.com  TXT  ${value}`);
  }
});

test('a report ends in how many of what there are', () => {
  expect(printReport(report, 80)).toContain('\n1 error, 1 unknown; the rest is well.\n');
  expect(printReport({ ...report, findings: report.findings.slice(0, 1) }, 80)).toContain('\nAll is well.\n');
});
