import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createWorkerMetrics } from '../src/metrics.ts';

test('every metric of the worker is explained in docs/operations.md', async () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const metrics = createWorkerMetrics({
    inHand: () => 0,
    ways: () => [{ channel: 'email', provider: 'smtp', open: true }],
    queueWorking: () => true,
  });
  const text = await metrics.registry.metrics();
  const names = [...text.matchAll(/^# TYPE (reconfirm_\w+)/gm)].map((match) => match[1] ?? '');
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
});
