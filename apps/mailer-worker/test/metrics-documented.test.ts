import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createWorkerMetrics } from '../src/metrics.ts';

test('every metric of the worker is explained in docs/operations.md', async () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const metrics = createWorkerMetrics({
    inHand: () => 0,
    ways: () => [{ channel: 'email', provider: 'smtp', open: true, refusedSenders: 0 }],
    queueWorking: () => true,
  });
  const text = await metrics.registry.metrics();
  const names = [...text.matchAll(/^# TYPE (reconfirm_\w+)/gm)].map((match) => match[1] ?? '');
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
});

const labelsOf = (metric: object): string[] =>
  'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames.map(String) : [];

test('docs/operations.md names no metric and no label of the worker that is not there', async () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `(reconfirm_\w+)(?:\{([\w,]+)\})?` +\| (both|worker) +\|/gm)].map(
    ([, name = '', labels = '']) => `${name} ${labels.split(',').toSorted().join(',')}`,
  );
  expect(documented.length).toBeGreaterThan(5);
  // A metric without a value shows no labels in the text, so they are asked for by its definition.
  const { registry } = createWorkerMetrics({
    inHand: () => 0,
    ways: () => [],
    queueWorking: () => true,
  });
  const known = registry
    .getMetricsAsArray()
    .map((metric) => `${metric.name} ${labelsOf(metric).toSorted().join(',')}`);
  expect(documented.filter((line) => !known.includes(line))).toEqual([]);
});
