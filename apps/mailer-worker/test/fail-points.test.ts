import { expect, test } from 'vitest';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import type { DeliveryStore } from '../src/deliver.ts';
import { workerFailPointsOf } from '../src/fail-points.ts';

test('without FAILPOINT every part is the part itself, with nothing in front of it', () => {
  const parts = workerFailPointsOf(undefined);
  const store: DeliveryStore = {
    claim: () => Promise.resolve(null),
    begin: () => Promise.resolve(true),
    record: () => Promise.resolve(),
    resendChange: () => Promise.resolve({ kind: 'lost' }),
    giveBack: () => Promise.resolve(),
  };
  const doorbell: Doorbell = {
    ring: () => undefined,
    ringAll: () => Promise.resolve(true),
    isWorking: () => true,
    close: () => Promise.resolve(),
  };
  expect(parts.store(store)).toBe(store);
  expect(parts.sweepDoorbell(doorbell)).toBe(doorbell);
});
