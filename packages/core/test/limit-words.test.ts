import { expect, test } from 'vitest';
import { limitsInWords, type PurposeLimit, spanInWords } from '../src/limit-words.ts';
import { decideLimits } from '../src/limits.ts';

const limits = [
  { max: 1, windowSeconds: 60 },
  { max: 5, windowSeconds: 86_400 },
];
const of = (agesMs: readonly number[], purpose = 'signup'): PurposeLimit => ({
  purpose,
  contracts: ['v1', 'gotrue'],
  decision: decideLimits({ kind: 'address', limits }, agesMs, false),
});

test('each full limit is named with when the next request is accepted', () => {
  expect(limitsInWords([of([18_000]), of([], 'recovery')])).toBe(
    'A request for signup by v1 or gotrue is refused now, because 1 in 1 minute is used up; the next one is accepted in 42 seconds. A refused request leaves no message; the log has it under addressLabel.',
  );
  expect(limitsInWords([of([18_000, 1e6, 2e6, 3e6, 4e6])])).toContain('1 in 1 minute and 5 in 1 day');
});

test('what is used but not used up is told from what nobody used', () => {
  expect(limitsInWords([of([61_000])])).toContain('is used up now');
  expect(limitsInWords([of([])])).toContain('Nothing is counted');
  expect(limitsInWords([])).toContain('Nothing is counted');
});

test('spans are said in the largest unit that fits', () => {
  expect([1, 59, 60, 90, 3600, 7200, 86_400].map(spanInWords)).toEqual([
    '1 second',
    '59 seconds',
    '1 minute',
    '90 seconds',
    '1 hour',
    '2 hours',
    '1 day',
  ]);
});
