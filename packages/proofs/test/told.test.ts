import { expect, test } from 'vitest';
import type { Answer } from '../src/http-client.ts';
import { lostOrDoubled, otherThanAway } from '../src/told.ts';

const told = { accepted: ['a@example.com', 'b@example.com'], refused: [], uncertain: ['c@example.com'] };
const sent = (counts: Record<string, number>): ReadonlyMap<string, number> => new Map(Object.entries(counts));

test('one mail to each accepted address, and at most one to a refused one, is as it should be', () => {
  expect(lostOrDoubled(told, sent({ 'a@example.com': 1, 'b@example.com': 1 }))).toEqual([]);
  expect(lostOrDoubled(told, sent({ 'a@example.com': 1, 'b@example.com': 1, 'c@example.com': 1 }))).toEqual(
    [],
  );
});

test.each([
  ['a lost mail', { 'a@example.com': 1 }, 'b@example.com was accepted and got 0 mails'],
  [
    'a doubled mail',
    { 'a@example.com': 2, 'b@example.com': 1 },
    'a@example.com was accepted and got 2 mails',
  ],
  [
    'a refused request that was carried out twice',
    { 'a@example.com': 1, 'b@example.com': 1, 'c@example.com': 2 },
    'c@example.com was refused and got 2 mails',
  ],
])('%s is noticed', (_what, counts, sentence) => {
  expect(lostOrDoubled(told, sent(counts))).toEqual([sentence]);
});

const answer = (status: number, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body: {},
  tookMs: 1,
});

test('only a 503 that says when to come back counts as away', () => {
  const others = [
    answer(500),
    answer(503),
    answer(503, { 'retry-after': 'soon' }),
    answer(429, { 'retry-after': '5' }),
  ];
  expect(otherThanAway([answer(503, { 'retry-after': '5' }), ...others])).toEqual(others);
});
