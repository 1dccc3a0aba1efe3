import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@reconfirm/db/database';
import type { BenchProcess } from './bench-process.ts';
import type { BenchStores } from './bench-stores.ts';
import { countKept, type Kept, untilApplied } from './webhook-messages.ts';
import type { WebhookCall } from './webhook-requests.ts';

export interface Pace {
  /** How many requests are under way at once at most. */
  readonly connections: number;
  /** Requests a second; undefined: each connection asks again as soon as it is answered. */
  readonly perSecond: number | undefined;
}

export interface MeasuredWebhooks extends Kept {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the last answer until every report was applied. */
  readonly behindMs: number;
  /** CPU of the API and of all of Postgres for each report. */
  readonly cpuUs: number;
  readonly postgresUs: number;
  /** Requests that were not answered with 200. */
  readonly refused: number;
}

const answerTimeoutMs = 10_000;

/** Resolves to the status, 0 for none. */
const post = (agent: Agent, url: string, call: WebhookCall): Promise<number> =>
  new Promise((resolve) => {
    const outgoing = request(url + call.path, {
      agent,
      method: 'POST',
      headers: { ...call.headers, 'content-length': call.body.byteLength },
      timeout: answerTimeoutMs,
    });
    outgoing.once('timeout', () => outgoing.destroy());
    outgoing.once('error', () => resolve(0));
    outgoing.once('response', (response) => {
      response.resume().once('close', () => resolve(response.statusCode ?? 0));
    });
    outgoing.end(call.body);
  });

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN;

/**
 * Sends the requests once each, as a provider does that asks nothing of the answer but its status. With a rate
 * each waits from the instant at which it was due, so that a server that falls behind cannot hide it.
 */
export const measureWebhooks = async (
  target: BenchProcess,
  stores: BenchStores,
  db: Database,
  calls: readonly WebhookCall[],
  pace: Pace,
): Promise<MeasuredWebhooks> => {
  const agent = new Agent({ keepAlive: true, maxSockets: pace.connections });
  const statuses: number[] = [];
  const waitsMs: number[] = [];
  const cpuBefore = target.cpuMs();
  const storesBefore = stores.cpuMs();
  const startMs = performance.now();
  const send = async (index: number, call: WebhookCall, dueMs: number): Promise<void> => {
    statuses[index] = await post(agent, target.url, call);
    waitsMs[index] = performance.now() - dueMs;
  };
  if (pace.perSecond === undefined) {
    const queue = calls.entries();
    const ask = async (): Promise<void> => {
      for (const [index, call] of queue) await send(index, call, performance.now());
    };
    await Promise.all(Array.from({ length: pace.connections }, ask));
  } else {
    const sent: Promise<void>[] = [];
    for (const [index, call] of calls.entries()) {
      const dueMs = startMs + (index * 1000) / pace.perSecond;
      if (dueMs > performance.now()) await delay(dueMs - performance.now());
      sent.push(send(index, call, dueMs));
    }
    await Promise.all(sent);
  }
  const tookMs = performance.now() - startMs;
  await untilApplied(db);
  const behindMs = performance.now() - startMs - tookMs;
  const [cpuAfter, storesAfter] = [target.cpuMs(), stores.cpuMs()];
  agent.destroy();
  const events = calls.reduce((sum, { reports }) => sum + reports.length, 0);
  const answered = calls.filter((_, index) => statuses[index] === 200).flatMap(({ reports }) => reports);
  return {
    eventsPerSecond: (events * 1000) / tookMs,
    p50Ms: percentile(waitsMs, 0.5),
    p99Ms: percentile(waitsMs, 0.99),
    behindMs,
    cpuUs: ((cpuAfter - cpuBefore) * 1000) / events,
    postgresUs: ((storesAfter.postgres - storesBefore.postgres) * 1000) / events,
    refused: statuses.filter((status) => status !== 200).length,
    ...(await countKept(db, answered)),
  };
};
