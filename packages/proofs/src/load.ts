import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@reconfirm/local-stack';
import type { ApiClient } from './api-client.ts';

/**
 * Sends requests `perSecond`, whether or not earlier ones have been answered, and resolves to all the
 * answers. `atHalf` and the like belong into `send`: what happens is tied to a request, not to a time.
 */
export const atSteadyRate = async <Result>(
  count: number,
  perSecond: number,
  send: (index: number) => Promise<Result>,
): Promise<Result[]> => {
  const startedAt = performance.now();
  const results: Promise<Result>[] = [];
  for (let index = 0; index < count; index += 1) {
    const dueInMs = startedAt + (index * 1000) / perSecond - performance.now();
    if (dueInMs > 0) await delay(dueInMs);
    const result = send(index);
    // Looked at below; until then a rejection must not end the run.
    result.catch(() => undefined);
    results.push(result);
  }
  return Promise.all(results);
};

export const addresses = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${name}-${index}@example.com`);

/** The value that this share of all values does not exceed. */
export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN;

const UNSETTLED = { status: 'queued,sending,deferred' };

/** Waits until the worker owes nothing more. */
export const untilSettled = (client: ApiClient, timeoutMs = 40_000): Promise<void> =>
  waitUntil(
    'every message is settled',
    async () => (await client.messages(UNSETTLED)).length === 0,
    timeoutMs,
  );
