import { expect, it } from 'vitest';
import { watchSettings } from '../src/settings-watch.ts';
import { eventually } from './support/eventually.ts';

const api = 'reconfirm-api 0123456789abcdef';
const worker = 'reconfirm-mailer-worker fedcba9876543210';

it('tells how many settings are in use, and only the changes of whether they differ', async () => {
  const answers: (readonly string[] | Error)[] = [
    [api],
    [api, worker],
    new Error('the database is away'),
    [api, worker],
    [api],
  ];
  const [counts, changes]: [number[], boolean[]] = [[], []];
  const watch = watchSettings({
    intervalMs: 1,
    listProcessNames: async () => {
      const answer = answers.shift() ?? [api];
      if (answer instanceof Error) throw answer;
      return answer;
    },
    seen: (count) => counts.push(count),
    onChange: (differ) => changes.push(differ),
  });
  await eventually('five looks', () => Promise.resolve(counts.length >= 5 || undefined));
  watch.stop();
  expect(counts.slice(0, 5)).toEqual([1, 2, 2, 1, 1]);
  expect(changes).toEqual([true, false]);
});
