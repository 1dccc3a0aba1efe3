import { randomBytes } from 'node:crypto';
import autocannon from 'autocannon';
import type { BenchProcess } from './bench-process.ts';
import type { BenchStores } from './bench-stores.ts';

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the server for each request. */
  readonly cpuUs: number;
  /** CPU of all of Postgres, of Redis and of the load itself for each request. */
  readonly postgresUs: number;
  readonly redisUs: number;
  readonly loadUs: number;
  /** Requests that shared an INSERT, on average; NaN of a server without one. */
  readonly batchSize: number;
  /** Answers other than 2xx, and requests without one. */
  readonly failed: number;
  /** Whether Redis did its work to the end: without it the figures are those of the way around it. */
  readonly degraded: boolean;
}

/** Addresses that were never used before, in this run or another. */
const runId = randomBytes(6).toString('hex');
let used = 0;
const nextAddress = (): string => `${runId}-${(used++).toString(36)}@example.com`;

const randomIp = (): string => randomBytes(4).join('.');

/** Resends to distinct addresses from distinct clients, as fast as the connections allow. */
export const measure = async (
  target: BenchProcess,
  stores: BenchStores,
  connections: number,
  seconds: number,
): Promise<Measured> => {
  const before = await readMetrics(target);
  const cpuBefore = target.cpuMs();
  const storesBefore = stores.cpuMs();
  const loadBefore = process.cpuUsage();
  const result = await autocannon({
    url: target.url,
    connections,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        path: '/v1/resend-verification',
        setupRequest: (request) => ({
          ...request,
          headers: { 'content-type': 'application/json', 'x-forwarded-for': randomIp() },
          body: `{"email":"${nextAddress()}"}`,
        }),
      },
    ],
  });
  const load = process.cpuUsage(loadBefore);
  const storesAfter = stores.cpuMs();
  const cpuMs = target.cpuMs() - cpuBefore;
  const after = await readMetrics(target);
  const answered = result['2xx'] + result.non2xx;
  return {
    perSecond: answered / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    cpuUs: (cpuMs * 1000) / answered,
    postgresUs: ((storesAfter.postgres - storesBefore.postgres) * 1000) / answered,
    redisUs: ((storesAfter.redis - storesBefore.redis) * 1000) / answered,
    loadUs: (load.user + load.system) / answered,
    failed: result.non2xx + result.errors + result.timeouts,
    batchSize: (after.intakeRequests - before.intakeRequests) / (after.intakeBatches - before.intakeBatches),
    degraded: after.degraded,
  };
};

interface Metrics {
  readonly intakeRequests: number;
  readonly intakeBatches: number;
  readonly degraded: boolean;
}

/** The API's own words; a server without metrics has nothing to degrade. */
const readMetrics = async (target: BenchProcess): Promise<Metrics> => {
  const text = await (await fetch(`${target.url}/metrics`)).text();
  const valueOf = (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  return {
    intakeRequests: valueOf('reconfirm_intake_batch_size_sum'),
    intakeBatches: valueOf('reconfirm_intake_batch_size_count'),
    degraded: /^reconfirm_(queue|limiter)_working 0$/m.test(text),
  };
};
