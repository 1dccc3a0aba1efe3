import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createApiMetrics } from '../src/metrics.ts';

test('every metric of the API is explained in docs/operations.md', async () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const text = await createApiMetrics().registry.metrics();
  const names = [...text.matchAll(/^# TYPE (reconfirm_\w+)/gm)].map((match) => match[1] ?? '');
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
});
