import { describe, inject } from 'vitest';
import { REDIS_SUITE_MARK } from './test-stores-names.ts';
import type { TestStores } from './test-stores.ts';

/** The stores that the global set-up started for this run. */
export const testStores = (): TestStores => inject('stores');

/**
 * A suite that needs Redis. In Postgres mode its tests are reported as skipped, and the end of the run
 * says how many they were and how to get them.
 */
export const describeWithRedis = (name: string, define: (redisUrl: string) => void): void => {
  const { redisUrl } = testStores();
  describe.skipIf(redisUrl === null)(`${name} ${REDIS_SUITE_MARK}`, () => {
    define(redisUrl ?? '');
  });
};
