import type { RedisNode } from '@reconfirm/core/config/shared-settings';
import { Cluster, Redis } from 'ioredis';
import { connectToCluster, type NodeOptions } from './redis-cluster.ts';

/** One Redis, or a cluster of them: to who calls it the same. */
export type RedisConnection = Redis | Cluster;

export interface RedisClientOptions {
  /** Shown in CLIENT LIST. */
  readonly name: string;
  /** Further nodes to ask, when the URL is that of a node of a cluster; none: it is the whole Redis. */
  readonly clusterNodes?: readonly RedisNode[];
  /** Told of connection errors, at most once a second: a Redis that is away reports thousands. */
  readonly onError: (error: Error) => void;
}

const reconnectWaitMs = (attempt: number): number => Math.min(200 * attempt, 2000);

/** A replica that was promoted elsewhere answers READONLY: connect anew and send the command again. */
const reconnectOnError = (error: Error): 2 | false => (error.message.startsWith('READONLY') ? 2 : false);

type CallOptions = Pick<NodeOptions, 'maxRetriesPerRequest' | 'commandTimeout' | 'socketTimeout'>;

/**
 * Of a connection that a router forgot nobody ever tells; it has to be given up when an answer stays away for so long.
 * For calls a second, so that a Redis which is merely slow is not connected to over and over. A worker's read may
 * rightly wait for 10 s (BullMQ's longest block).
 */
const giveUpMs = { calls: 1000, blocking: 12_000 };

const connect = (url: string, options: RedisClientOptions, calls: CallOptions): RedisConnection => {
  const { name, onError, clusterNodes = [] } = options;
  const each: NodeOptions = {
    ...calls,
    connectionName: name,
    connectTimeout: 2000,
    // How long a stream that was told to close may linger, also one that never opened: it holds up the process.
    disconnectTimeout: 500,
  };
  const redis =
    clusterNodes.length === 0
      ? new Redis(url, { ...each, retryStrategy: reconnectWaitMs, reconnectOnError })
      : connectToCluster(url, clusterNodes, each, reconnectWaitMs);
  let toldAtMs = 0;
  redis.on('error', (error: Error) => {
    if (Date.now() - toldAtMs < 1000) return;
    toldAtMs = Date.now();
    onError(error);
  });
  return redis;
};

/**
 * A connection for calls that a request waits for: each call ends within `timeoutMs`, also when Redis
 * never answered at all. Who has many calls at once puts them into one.
 */
export const connectForCalls = (
  url: string,
  options: RedisClientOptions & { readonly timeoutMs: number },
): RedisConnection =>
  connect(url, options, {
    maxRetriesPerRequest: 1,
    commandTimeout: options.timeoutMs,
    socketTimeout: Math.max(giveUpMs.calls, 2 * options.timeoutMs),
  });

/** A connection for BullMQ's worker, whose blocking reads must be repeated for as long as it takes. */
export const connectForBlocking = (url: string, options: RedisClientOptions): RedisConnection =>
  connect(url, options, { maxRetriesPerRequest: null, socketTimeout: giveUpMs.blocking });

/**
 * What is wrong with how this Redis is set up, or null. With any eviction policy the waiting list can
 * vanish as one key, silently. Rejects when Redis does not answer.
 */
export const evictionProblem = async (redis: RedisConnection): Promise<string | null> => {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
  const policies = await Promise.all(nodes.map(readPolicy));
  const wrong = policies.find((policy) => policy !== 'noeviction');
  return wrong === undefined
    ? null
    : `Redis evicts keys (maxmemory-policy ${wrong}); set maxmemory-policy to noeviction`;
};

const readPolicy = async (node: Redis): Promise<string> =>
  /^maxmemory_policy:(\S+)/m.exec(await node.info('memory'))?.[1] ?? 'unknown';

/**
 * What keeps a process from trusting this Redis, as sentences. A Redis that is away is no problem:
 * messages and limits go by Postgres; one that evicts is, because it says nothing. Never throws.
 */
export const redisProblems = async (redis: RedisConnection | undefined): Promise<readonly string[]> => {
  const problem = redis === undefined ? null : await evictionProblem(redis).catch(() => null);
  return problem === null ? [] : [problem];
};
