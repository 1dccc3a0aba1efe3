import type { WorkerConfig } from '@reconfirm/core/config/config';
import type { Logger } from '@reconfirm/process/logger';
import { postgresBackend, type QueueBackend } from '@reconfirm/queue/backend';
import { connectForBlocking, connectForCalls, type RedisConnection } from '@reconfirm/queue/redis';

/** What the queue is reached by. */
export interface QueueConnections {
  readonly producer: QueueBackend;
  readonly consumer: QueueBackend;
  readonly callRedis: RedisConnection | undefined;
  disconnect(): void;
}

/** How long a ring or a probe may take. */
export const queueCallTimeoutMs = 300;

/** BullMQ's worker blocks on its connection, so the doorbell and the probes have one of their own. */
export const openQueueConnections = (config: WorkerConfig, log: Logger): QueueConnections => {
  const url = config.QUEUE_BACKEND === 'redis' ? config.REDIS_URL?.reveal() : undefined;
  if (url === undefined) {
    const backend = postgresBackend(config.DATABASE_URL.reveal(), config.REDIS_PREFIX);
    return { producer: backend, consumer: backend, callRedis: undefined, disconnect: () => {} };
  }
  const onError = (error: Error): void => log.warn({ err: error }, 'redis.error');
  const call = connectForCalls(url, {
    name: `${config.REDIS_PREFIX}-worker-calls`,
    clusterNodes: config.REDIS_CLUSTER_NODES,
    timeoutMs: queueCallTimeoutMs,
    onError,
  });
  const blocking = connectForBlocking(url, {
    name: `${config.REDIS_PREFIX}-worker-jobs`,
    clusterNodes: config.REDIS_CLUSTER_NODES,
    onError,
  });
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
