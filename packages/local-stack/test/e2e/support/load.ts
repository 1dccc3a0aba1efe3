import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { RunningInbox } from '../../../src/index.ts';
import { waitUntil } from '../../fixtures/wait-until.ts';
import type { ApiClient } from './api-client.ts';
import { countByRecipient, linkOf } from './mails.ts';

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

/**
 * Every accepted request has become exactly one mail to its address, and the link of the newest works.
 * `accepted` names an address once for each of its requests.
 */
export const expectOneMailForEach = async (
  inbox: RunningInbox,
  client: ApiClient,
  accepted: readonly string[],
): Promise<void> => {
  const owed = new Map<string, number>();
  for (const address of accepted) owed.set(address, (owed.get(address) ?? 0) + 1);
  const got = await countByRecipient(inbox);
  expect(differences(owed, got)).toEqual([]);
  const newest = new Map((await inbox.messages()).map(({ id, envelope }) => [envelope.to[0], id]));
  const dead: string[] = [];
  for (const [address, id] of newest) {
    const mail = await inbox.message(id);
    const token = mail === undefined ? '' : (linkOf(mail).searchParams.get('token') ?? '');
    if (!(await client.check(token)).valid) dead.push(address ?? id);
  }
  expect(dead).toEqual([]);
};

const differences = (owed: ReadonlyMap<string, number>, got: ReadonlyMap<string, number>): string[] =>
  [...new Set([...owed.keys(), ...got.keys()])]
    .filter((address) => owed.get(address) !== got.get(address))
    .map((address) => `${address}: ${owed.get(address) ?? 0} owed, ${got.get(address) ?? 0} sent`);
