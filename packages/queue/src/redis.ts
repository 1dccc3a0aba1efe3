import { Redis } from 'ioredis';

export interface RedisClientOptions {
  /** Shown in CLIENT LIST. */
  readonly name: string;
  /** Told of connection errors, at most once a second: a Redis that is away reports thousands. */
  readonly onError: (error: Error) => void;
}

const reconnectWaitMs = (attempt: number): number => Math.min(200 * attempt, 2000);

/** A replica that was promoted elsewhere answers READONLY: connect anew and send the command again. */
const reconnectOnError = (error: Error): 2 | false => (error.message.startsWith('READONLY') ? 2 : false);

interface CallOptions {
  readonly maxRetriesPerRequest: number | null;
  readonly commandTimeout?: number;
  readonly enableOfflineQueue?: boolean;
}

const connect = (url: string, { name, onError }: RedisClientOptions, calls: CallOptions): Redis => {
  const redis = new Redis(url, {
    ...calls,
    connectionName: name,
    retryStrategy: reconnectWaitMs,
    reconnectOnError,
    connectTimeout: 2000,
    // How long a stream that was told to close may linger, also one that never opened: it holds up the process.
    disconnectTimeout: 500,
    lazyConnect: false,
  });
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
): Redis =>
  connect(url, options, {
    maxRetriesPerRequest: 1,
    commandTimeout: options.timeoutMs,
    enableOfflineQueue: true,
  });

/** A connection for BullMQ's worker, whose blocking reads must be repeated for as long as it takes. */
export const connectForBlocking = (url: string, options: RedisClientOptions): Redis =>
  connect(url, options, { maxRetriesPerRequest: null });

/**
 * What is wrong with how this Redis is set up, or null. With any eviction policy the waiting list can
 * vanish as one key, silently. Rejects when Redis does not answer.
 */
export const evictionProblem = async (redis: Redis): Promise<string | null> => {
  const info = await redis.info('memory');
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'unknown';
  return policy === 'noeviction'
    ? null
    : `Redis evicts keys (maxmemory-policy ${policy}); set maxmemory-policy to noeviction`;
};

/**
 * What keeps a process from trusting this Redis, as sentences. A Redis that is away is no problem:
 * messages and limits go by Postgres; one that evicts is, because it says nothing. Never throws.
 */
export const redisProblems = async (redis: Redis | undefined): Promise<readonly string[]> => {
  const problem = redis === undefined ? null : await evictionProblem(redis).catch(() => null);
  return problem === null ? [] : [problem];
};
