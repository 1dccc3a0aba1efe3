import type { SendRate } from '@reconfirm/core/config/rate-setting';
import type { Channel } from '@reconfirm/core/destination';
import type { Priority } from '@reconfirm/core/purposes/purpose';
import type { PurposePolicies } from '@reconfirm/core/purposes/policy';
import type { Notices } from '@reconfirm/core/resolve';
import type { Database } from '@reconfirm/db/database';
import type { Logger } from '@reconfirm/process/logger';
import type { QueueBackend } from '@reconfirm/queue/backend';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import { createMailWorker } from '@reconfirm/queue/mail-worker';
import { type Backlog, createBacklog } from './backlog.ts';
import type { CredentialKeys } from './credential.ts';
import { createDelivery } from './deliver.ts';
import { createDeliveryStore } from './delivery-store.ts';
import type { WorkerFailPoints } from './fail-points.ts';
import { keepLeases } from './leases.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { Routes } from './routes.ts';

/** Everything that works on the messages of one channel: its queue, its providers, its hands. */
export interface ChannelWorker {
  readonly channel: Channel;
  readonly routes: Routes;
  /** Delivers messages past the queue, at the rate of the channel. */
  readonly backlog: Backlog;
  /** Messages in hand. */
  inHand(): number;
  /** How many more it can take in hand now. */
  freeHands(): number;
  /** With a rate the queue holds messages back on purpose: then waiting long is no sign of a lost bell. */
  readonly mayOvertakeQueue: boolean;
  /** Takes no more jobs and waits for those in hand, at most `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
  /** Ends every hand-over in progress at once. */
  abort(): void;
  /** Gives back what is still in hand, and renews no lease any more. */
  giveBack(): Promise<void>;
}

export interface ChannelWorkerOptions {
  readonly db: Database;
  readonly backend: QueueBackend;
  readonly routes: Routes;
  readonly concurrency: number;
  readonly rate: SendRate | undefined;
  readonly leaseSeconds: number;
  /** How long a hard bounce suppresses its address (`hardBounceDays`). */
  readonly suppressDays: readonly number[];
  readonly keys: CredentialKeys;
  readonly policiesOf: (organizationId: string) => PurposePolicies;
  readonly noticesOf: (organizationId: string) => Notices;
  /** Waited for before each delivery: what organizations want otherwise is known. */
  readonly ready: () => Promise<void>;
  readonly ringAll: Doorbell['ringAll'];
  readonly failPoints: Pick<WorkerFailPoints, 'store'>;
  readonly workerName: string;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

/** Starts working on the messages of the carrier's channel. */
export const startChannelWorker = (options: ChannelWorkerOptions): ChannelWorker => {
  const { db, routes, rate, leaseSeconds, suppressDays, log, metrics } = options;
  const { channel } = routes[0].carrier;
  const store = options.failPoints.store(
    createDeliveryStore({ db, channel, leaseSeconds, recordPatienceMs: 60_000, suppressDays }),
  );
  const delivery = createDelivery({ ...options, store });
  /** The job has served its purpose once somebody looked; a fault is made good by the sweep. */
  const handle = (messageId: string, priority: Priority): Promise<void> =>
    options
      .ready()
      .then(() => delivery.deliver(messageId, priority))
      .catch((error: unknown) => log.error({ err: error, messageId }, 'delivery.failed'));
  const inHand = (): number => delivery.held().length;
  const backlog = createBacklog({
    deliver: handle,
    inHand,
    concurrency: options.concurrency,
    rate,
    onDelivered: metrics.triedWithoutQueue,
  });
  const leases = keepLeases({ db, leaseSeconds, held: delivery.held, log });
  const queueWorker = createMailWorker({
    backend: options.backend,
    channel,
    concurrency: options.concurrency,
    rate,
    ringAll: options.ringAll,
    handle,
    onError: (error) => {
      metrics.queueError();
      log.warn({ err: error, channel }, 'queue.error');
    },
  });
  return {
    channel,
    routes,
    backlog,
    inHand,
    freeHands: () => Math.max(0, options.concurrency - inHand()),
    mayOvertakeQueue: rate === undefined,
    close: (timeoutMs) => {
      // What waits for the rate of its provider has not been claimed; it is left to others.
      for (const { pace } of routes) pace?.fold();
      return queueWorker.close(timeoutMs);
    },
    abort: delivery.abort,
    giveBack: async () => {
      await store
        .giveBack(delivery.held())
        .catch((error: unknown) => log.warn({ err: error, channel }, 'worker.not_given_back'));
      leases.stop();
    },
  };
};
