import { expect, test } from 'vitest';
import { inShortWindows } from '../src/config/rate-setting.ts';

test.each([
  ['100/1', 100, 1000],
  ['5/1', 5, 1000],
  ['600/60', 10, 1000],
  ['100/60', 1, 600],
  ['150/60', 2, 800],
  ['1/10', 1, 10_000],
  ['3/2', 1, 667],
])('%s in short windows is %i in %i ms', (text, max, durationMs) => {
  const [count, windowSeconds] = text.split('/').map(Number) as [number, number];
  expect(inShortWindows({ max: count, windowSeconds })).toEqual({ max, durationMs });
});

test('no rate grows by being spread, and none loses more than a thousandth and a millisecond', () => {
  for (let max = 1; max <= 300; max += 7)
    for (let windowSeconds = 1; windowSeconds <= 3600; windowSeconds += 113) {
      const short = inShortWindows({ max, windowSeconds });
      const asked = max / windowSeconds;
      const kept = (short.max * 1000) / short.durationMs;
      expect(kept).toBeLessThanOrEqual(asked * (1 + 1e-9));
      expect((short.max * 1000) / (short.durationMs - 1)).toBeGreaterThanOrEqual(asked * 0.999);
    }
});
