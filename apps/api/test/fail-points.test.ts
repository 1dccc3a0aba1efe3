import { expect, test } from 'vitest';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import { apiFailPointsOf } from '../src/fail-points.ts';

test('without FAILPOINT every part is the part itself, with nothing in front of it', () => {
  const parts = apiFailPointsOf(undefined);
  const doorbell: Doorbell = {
    ring: () => undefined,
    ringAll: () => Promise.resolve(true),
    isWorking: () => true,
    close: () => Promise.resolve(),
  };
  const onBatch = (): void => undefined;
  const store = () => Promise.resolve([]);
  expect(parts.doorbell(doorbell)).toBe(doorbell);
  expect(parts.onBatch(onBatch)).toBe(onBatch);
  expect(parts.store(store)).toBe(store);
});
