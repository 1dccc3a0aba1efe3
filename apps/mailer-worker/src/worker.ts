import { hostname } from 'node:os';
import {
  endpointRulesOf,
  noticesOf,
  purposePoliciesOf,
  type WorkerConfig,
} from '@reconfirm/core/config/config';
import { providers } from '@reconfirm/core/providers/registry';
import { type Database, openDatabase } from '@reconfirm/db/database';
import { createOrganizationConfigs } from '@reconfirm/db/organization-configs';
import { databaseProblems } from '@reconfirm/db/migrator';
import type { Logger } from '@reconfirm/process/logger';
import { postgresBackend, type QueueBackend } from '@reconfirm/queue/backend';
import { createDoorbell } from '@reconfirm/queue/doorbell';
import { createMailWorker } from '@reconfirm/queue/mail-worker';
import { connectForBlocking, connectForCalls, redisProblems } from '@reconfirm/queue/redis';
import type { Redis } from 'ioredis';
import { createDelivery } from './deliver.ts';
import { createDeliveryStore } from './delivery-store.ts';
import { createLane, type Lane } from './lane.ts';
import { keepLeases } from './leases.ts';
import { createMailCarrier, mailSenders } from './mail-carrier.ts';
import { createWorkerMetrics } from './metrics.ts';
import { startOpsServer } from './ops-server.ts';
import { startEventLoop } from './outgoing/event-loop.ts';
import { createPostEvent } from './outgoing/post-event.ts';
import { paced } from './paced.ts';
import { availableLocales, createRenderer } from './render.ts';
import { startSweep } from './sweep.ts';
import { createTransport } from './transports/create-transport.ts';

export interface RunningWorker {
  readonly opsPort: number;
  /** Finishes or gives back what is in hand within `timeoutMs`, then closes everything. */
  stop(timeoutMs: number): Promise<void>;
}

/** A sweep that made no progress for this long, beyond one hand-over, means that the process does not get on. */
const liveWithinMs = 60_000;
const queueCallTimeoutMs = 300;
/** How soon a change that an operator makes is known to every process. */
const organizationsIntervalMs = 5000;

/** Builds the worker from its configuration and starts it. Rejects when a template or the ops port is broken. */
export const startWorker = async (config: WorkerConfig, log: Logger): Promise<RunningWorker> => {
  const workerName = `${hostname()}-${process.pid}`;
  const renderer = await createRenderer({
    brand: { name: config.BRAND_NAME },
    supportedLocales: availableLocales,
    fallbackLocale: config.DEFAULT_LOCALE,
  });
  const transport = createTransport(config, log);
  const metrics = createWorkerMetrics({
    inHand: () => delivery.held().length,
    laneOpen: () => lane.problem() === null,
    // Nobody rings in a quiet hour, so a lost connection counts before the first ring fails.
    queueWorking: () =>
      doorbell.isWorking() && (queue.callRedis === undefined || queue.callRedis.status === 'ready'),
  });
  // The last step that can fail, so it comes before anything is open; what it asks for follows in the same turn.
  const ops = await startOpsServer({
    host: config.OPS_HOST,
    port: config.OPS_PORT,
    registry: metrics.registry,
    live: async () =>
      performance.now() - sweep.lastProgressMs() > liveWithinMs + config.SEND_TIMEOUT_SECONDS * 1000
        ? ['the sweep has made no progress for over a minute']
        : [],
    ready: async () => [
      ...(await databaseProblems(db)),
      ...(await redisProblems(queue.callRedis)),
      ...laneProblems(lane),
    ],
  });
  const db = openWorkerDatabase(config, log);
  const queue = openQueueConnections(config, log);
  const doorbell = createDoorbell({
    backend: queue.producer,
    timeoutMs: queueCallTimeoutMs,
    onChange: ({ working, cause }) => log.warn({ working, err: cause }, 'queue.changed'),
  });
  const lane = createLane({
    nowMs: () => performance.now(),
    chance: Math.random,
    onChange: (change) => log[change.open ? 'info' : 'error'](change, 'provider.changed'),
  });
  const store = createDeliveryStore({ db, leaseSeconds: config.LEASE_SECONDS, recordPatienceMs: 60_000 });
  const organizations = createOrganizationConfigs({
    db,
    config,
    intervalMs: organizationsIntervalMs,
    onProblem: ({ organizationId, cause }) =>
      log.warn({ organizationId, err: cause }, 'organizations.not_read'),
  });
  organizations.start();
  const carrier = createMailCarrier({
    renderer,
    transport,
    provider: providers[config.EMAIL_PROVIDER],
    publicUrl: config.PUBLIC_URL,
    production: config.NODE_ENV === 'production',
    supportedLocales: availableLocales,
    senderOf: mailSenders(organizations.configOf),
  });
  const delivery = createDelivery({
    store,
    carrier,
    lane,
    keys: { ring: config.TOKEN_KEYS, codeHashKey: config.ADDRESS_HASH_KEY },
    noticesOf: (organizationId) => noticesOf(organizations.configOf(organizationId)),
    policiesOf: (organizationId) => purposePoliciesOf(organizations.configOf(organizationId)),
    workerName,
    log,
    metrics,
  });
  /** The job has served its purpose once somebody looked; a fault is made good by the sweep. */
  const handle = (messageId: string): Promise<void> =>
    organizations
      // Nobody's mail goes out in the installation's name because it was early.
      .loaded()
      .then(() => delivery.deliver(messageId))
      .catch((error: unknown) => log.error({ err: error, messageId }, 'delivery.failed'));

  const leases = keepLeases({ db, leaseSeconds: config.LEASE_SECONDS, held: delivery.held, log });
  const mailWorker = createMailWorker({
    backend: queue.consumer,
    concurrency: config.WORKER_CONCURRENCY,
    rate: config.SEND_RATE,
    ringAll: doorbell.ringAll,
    handle,
    onError: (error) => {
      metrics.queueError();
      log.warn({ err: error }, 'queue.error');
    },
  });
  const sweep = startSweep({
    db,
    doorbell,
    deliver: config.SEND_RATE === undefined ? handle : paced(handle, config.SEND_RATE),
    // With a rate the queue holds messages back on purpose: then waiting long is no sign of a lost bell.
    mayOvertakeQueue: config.SEND_RATE === undefined,
    freeHands: () => config.WORKER_CONCURRENCY - delivery.held().length,
    intervalMs: config.SWEEP_INTERVAL_MS,
    retentionDays: config.RETENTION_DAYS,
    log,
    metrics,
  });
  const events = startEventLoop({
    db,
    keys: config.TOKEN_KEYS,
    post: createPostEvent({ rules: endpointRulesOf(config) }),
    concurrency: config.EVENT_CONCURRENCY,
    log,
    metrics,
  });
  const stop = async (timeoutMs: number): Promise<void> => {
    const endMs = performance.now() + timeoutMs;
    const swept = sweep.stop();
    const told = events.stop(timeoutMs);
    await mailWorker.close(timeoutMs);
    await withinMs(swept, Math.max(0, endMs - performance.now()));
    delivery.abort();
    await withinMs(
      untilEmpty(() => delivery.held().length),
      2000,
    );
    await store
      .giveBack(delivery.held())
      .catch((error: unknown) => log.warn({ err: error }, 'worker.not_given_back'));
    leases.stop();
    organizations.stop();
    await withinMs(told, 5000);
    await Promise.allSettled([transport.close(), doorbell.close(), ops.close()]);
    queue.disconnect();
    await withinMs(db.destroy(), 1000);
  };
  log.info(
    { workerName, queue: config.QUEUE_BACKEND, provider: config.EMAIL_PROVIDER, opsPort: ops.port },
    'worker.started',
  );
  return { opsPort: ops.port, stop };
};

const openWorkerDatabase = (config: WorkerConfig, log: Logger): Database =>
  openDatabase({
    url: config.DATABASE_URL.reveal(),
    poolMax: config.DATABASE_POOL_MAX,
    timeoutMs: config.DATABASE_TIMEOUT_MS,
    applicationName: 'reconfirm-mailer-worker',
    onIdleError: (error) => log.warn({ err: error }, 'database.connection_lost'),
  });

interface QueueConnections {
  readonly producer: QueueBackend;
  readonly consumer: QueueBackend;
  readonly callRedis: Redis | undefined;
  disconnect(): void;
}

/** BullMQ's worker blocks on its connection, so the doorbell and the probes have one of their own. */
const openQueueConnections = (config: WorkerConfig, log: Logger): QueueConnections => {
  const url = config.QUEUE_BACKEND === 'redis' ? config.REDIS_URL?.reveal() : undefined;
  if (url === undefined) {
    const backend = postgresBackend(config.DATABASE_URL.reveal(), config.REDIS_PREFIX);
    return { producer: backend, consumer: backend, callRedis: undefined, disconnect: () => {} };
  }
  const onError = (error: Error): void => log.warn({ err: error }, 'redis.error');
  const call = connectForCalls(url, {
    name: `${config.REDIS_PREFIX}-worker-calls`,
    timeoutMs: queueCallTimeoutMs,
    onError,
  });
  const blocking = connectForBlocking(url, { name: `${config.REDIS_PREFIX}-worker-jobs`, onError });
  return {
    producer: { kind: 'redis', redis: call, prefix: config.REDIS_PREFIX },
    consumer: { kind: 'redis', redis: blocking, prefix: config.REDIS_PREFIX },
    callRedis: call,
    disconnect: () => {
      call.disconnect();
      blocking.disconnect();
    },
  };
};

const laneProblems = (lane: Lane): readonly string[] => {
  const failure = lane.problem();
  return failure === null ? [] : [`the provider refuses our set-up (${failure}); deliveries rest`];
};

const untilEmpty = async (count: () => number): Promise<void> => {
  while (count() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
};

const withinMs = async (work: Promise<unknown>, timeoutMs: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
};
