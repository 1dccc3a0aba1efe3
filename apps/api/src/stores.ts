import { randomInt } from 'node:crypto';
import type { AccountStatus } from '@reconfirm/core/account';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { processName } from '@reconfirm/core/config/settings-fingerprint';
import type { LimitSubject } from '@reconfirm/core/limits';
import { findAccountStatuses, type WantedAccount } from '@reconfirm/db/accounts';
import { createBatcher } from '@reconfirm/db/batcher';
import { type Database, isRetryable, openDatabase } from '@reconfirm/db/database';
import {
  beginLimitMemory,
  beginLimitRows,
  type CountedRequest,
  readChargesOfMany,
} from '@reconfirm/db/limit-charges';
import type { Logger } from '@reconfirm/process/logger';
import { postgresBackend, type QueueBackend } from '@reconfirm/queue/backend';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import { createDoorbells } from '@reconfirm/queue/doorbells';
import { connectForCalls, type RedisConnection } from '@reconfirm/queue/redis';
import type { Limiter } from './limiter/limiter.ts';
import { createPostgresLimiter } from './limiter/postgres.ts';
import { createRedisLimiter } from './limiter/redis.ts';
import { chargeInBothMs, createFallbackLimiter } from './limiter/with-fallback.ts';
import type { ApiMetrics } from './metrics.ts';

/** Rung after the caller was answered; the sweep finds what was not rung for. */
const ringTimeoutMs = 300;
/** A request that has waited this long for a batch waits for a database that does not answer. */
export const batchWaitMs = 1000;

/** The API's pool. No connection is made before the first statement. */
export const openApiDatabase = (config: ApiConfig, log: Logger): Database =>
  openDatabase({
    url: config.DATABASE_URL.reveal(),
    pooler: config.DATABASE_POOLER,
    poolMax: config.DATABASE_POOL_MAX,
    timeoutMs: config.DATABASE_TIMEOUT_MS,
    applicationName: processName('api', config),
    onIdleError: (error) => log.warn({ err: error }, 'database.connection_lost'),
  });

export interface Stores {
  readonly limiter: Limiter;
  /** The same while Redis answers; else as SMS_LIMITER_ON_ERROR says. */
  readonly smsLimiter: Limiter;
  readonly doorbell: Doorbell;
  readonly redis: RedisConnection | undefined;
}

/** Limits and queue on Redis with Postgres behind it, or on Postgres alone. */
export const openStores = (config: ApiConfig, db: Database, log: Logger, metrics: ApiMetrics): Stores => {
  const url = config.QUEUE_BACKEND === 'redis' ? config.REDIS_URL?.reveal() : undefined;
  const postgresLimiter = createPostgresLimiter(db);
  const doorbellOn = (backend: QueueBackend): Doorbell =>
    createDoorbells({
      backend,
      timeoutMs: ringTimeoutMs,
      onChange: ({ working, cause }) => {
        metrics.queueChanged(working);
        log[working ? 'info' : 'warn']({ working, err: cause }, 'queue.changed');
      },
    });
  if (url === undefined) {
    const doorbell = doorbellOn(postgresBackend(config.DATABASE_URL.reveal(), config.REDIS_PREFIX));
    return { limiter: postgresLimiter, smsLimiter: postgresLimiter, doorbell, redis: undefined };
  }
  const onError = (error: Error): void => log.warn({ err: error }, 'redis.error');
  const forLimits = connectForCalls(url, {
    name: `${config.REDIS_PREFIX}-api-limits`,
    clusterNodes: config.REDIS_CLUSTER_NODES,
    timeoutMs: config.LIMITER_TIMEOUT_MS,
    onError,
  });
  const forRings = connectForCalls(url, {
    name: `${config.REDIS_PREFIX}-api-rings`,
    clusterNodes: config.REDIS_CLUSTER_NODES,
    timeoutMs: ringTimeoutMs,
    onError,
  });
  const limiter = createFallbackLimiter({
    primary: createRedisLimiter({
      redis: forLimits,
      prefix: config.REDIS_PREFIX,
      maxWaitMs: config.LIMITER_TIMEOUT_MS,
      readRows: batchedChargeLookup(db, config.INTAKE_BATCH_MAX),
      beginMemory: (memory) => beginLimitMemory(db, memory, chargeInBothMs / 1000),
    }),
    fallback: postgresLimiter,
    beginWithout: () => beginLimitRows(db, randomInt(1, 2 ** 47)),
    onError: config.LIMITER_ON_ERROR,
    nowMs: () => performance.now(),
    onChange: ({ working, cause }) => {
      metrics.limiterChanged(working);
      log[working ? 'info' : 'warn'](
        { working, instead: config.LIMITER_ON_ERROR, err: cause },
        'limiter.changed',
      );
    },
  });
  const doorbell = doorbellOn({ kind: 'redis', redis: forRings, prefix: config.REDIS_PREFIX });
  return {
    limiter,
    smsLimiter: limiter.withOnError(config.SMS_LIMITER_ON_ERROR),
    redis: forLimits,
    doorbell: {
      ...doorbell,
      close: async () => {
        await doorbell.close();
        forRings.disconnect();
      },
    },
  };
};

/** Finds the status of the account behind an address key; null where there is none. */
export type FindStatus = (organizationId: string, emailKey: Uint8Array) => Promise<AccountStatus | null>;

/** Requests that arrive together share one SELECT, the same whether their accounts exist or not. */
export const batchedStatusLookup = (db: Database, maxItems: number): FindStatus => {
  const batcher = createBatcher<WantedAccount, AccountStatus | null>({
    maxItems,
    maxInFlight: 1,
    maxWaitMs: batchWaitMs,
    retryAlone: isRetryable,
    runBatch: (wanted) => findAccountStatuses(db, wanted),
  });
  return (organizationId, emailKey) => batcher.run({ organizationId, emailKey });
};

/**
 * While Redis is young every new subject is looked up in the rows; together they cost little. Alone they
 * cost four times the rest of a request, just when Redis has come back and callers come again.
 */
const batchedChargeLookup = (
  db: Database,
  maxItems: number,
): ((subject: LimitSubject) => Promise<readonly CountedRequest[]>) => {
  const batcher = createBatcher<LimitSubject, readonly CountedRequest[]>({
    maxItems,
    maxInFlight: 1,
    maxWaitMs: batchWaitMs,
    retryAlone: isRetryable,
    runBatch: (subjects) => readChargesOfMany(db, subjects),
  });
  return batcher.run;
};
