import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Redis } from 'ioredis';
import type { AccountStatus } from '@reconfirm/core/account';
import type { Destination } from '@reconfirm/core/destination';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { type ContractLimits, type LimitSubject, rememberSecondsOf } from '@reconfirm/core/limits';
import { logLabel } from '@reconfirm/core/keyed-hash';
import { mailgun } from '@reconfirm/core/providers/mailgun';
import { withOwnOrigin } from '@reconfirm/core/redirect';
import { findIdempotentRequest } from '@reconfirm/db/accept-messages';
import * as accounts from '@reconfirm/db/accounts';
import { createBatcher } from '@reconfirm/db/batcher';
import { type Database, isRetryable, openDatabase } from '@reconfirm/db/database';
import { storeDeliveryEvent } from '@reconfirm/db/delivery-events';
import { type CountedRequest, readChargesOfMany } from '@reconfirm/db/limit-charges';
import { findMessageHistory, listMessages } from '@reconfirm/db/message-history';
import { databaseProblems } from '@reconfirm/db/migrator';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { readToken } from '@reconfirm/db/token-state';
import { confirmToken } from '@reconfirm/db/verifications';
import type { Logger } from '@reconfirm/process/logger';
import { postgresBackend, type QueueBackend } from '@reconfirm/queue/backend';
import type { Doorbell } from '@reconfirm/queue/doorbell';
import { createDoorbells } from '@reconfirm/queue/doorbells';
import { connectForCalls, redisProblems } from '@reconfirm/queue/redis';
import { buildApp } from './app.ts';
import { demoRoute } from './demo-route.ts';
import { v1 } from './dialects/v1/plugin.ts';
import { createIntake } from './intake.ts';
import { negotiateLocale } from './language.ts';
import type { Limiter } from './limiter/limiter.ts';
import { createPostgresLimiter } from './limiter/postgres.ts';
import { createRedisLimiter } from './limiter/redis.ts';
import { createFallbackLimiter } from './limiter/with-fallback.ts';
import { type ApiMetrics, createApiMetrics } from './metrics.ts';
import { createRegister } from './register.ts';
import { addressKeyOf, type KeySettings } from './request-keys.ts';
import { createResend } from './resend.ts';
import { smsIntakeOf } from './sms-intake.ts';
import { smsRoutes } from './sms-routes.ts';
import { signingKeysOf, webhookRoute } from './webhooks.ts';

export interface Api {
  /** Not listening yet. */
  readonly app: FastifyInstance;
  /** Answers what is in hand, then closes everything. */
  stop(): Promise<void>;
}

/** Redis answers in well under a millisecond; this is for the one that does not. */
const limiterTimeoutMs = 150;
const ringTimeoutMs = 300;
/** A request that has waited this long for a batch waits for a database that does not answer. */
const batchWaitMs = 1000;

/** Builds the API from its configuration. Nothing is connected to before it is needed. */
export const createApi = async (config: ApiConfig, log: Logger): Promise<Api> => {
  const metrics = createApiMetrics();
  const db = openDatabase({
    url: config.DATABASE_URL.reveal(),
    poolMax: config.DATABASE_POOL_MAX,
    timeoutMs: config.DATABASE_TIMEOUT_MS,
    applicationName: 'reconfirm-api',
    onIdleError: (error) => log.warn({ err: error }, 'database.connection_lost'),
  });
  const stores = openStores(config, db, log, metrics);
  const { limiter, doorbell } = stores;
  const intake = createIntake({
    db,
    doorbell,
    batchMax: config.INTAKE_BATCH_MAX,
    maxWaitMs: batchWaitMs,
    onBatch: metrics.intakeBatch,
  });
  const limits: ContractLimits = {
    ip: config.RATE_LIMIT_IP,
    email: config.RATE_LIMIT_ADDRESS,
    phone: config.RATE_LIMIT_PHONE,
  };
  const keys: KeySettings = {
    hashKey: config.ADDRESS_HASH_KEY,
    ipv6PrefixBits: config.IPV6_PREFIX_BITS,
    rememberSeconds: rememberSecondsOf([limits]),
  };
  const findStatus = batchedStatusLookup(db, config.INTAKE_BATCH_MAX);

  const app = await buildApp({
    log,
    metrics,
    trustedProxies: config.TRUSTED_PROXIES,
    errorCodes: config.ERROR_CODES,
    publicUrl: config.PUBLIC_URL,
    brand: config.BRAND_NAME,
    findProblems: async () => [...(await databaseProblems(db)), ...(await redisProblems(stores.redis))],
    plugins: [
      v1({
        resend: createResend({
          keys,
          contract: 'v1',
          limits,
          limiter,
          sms: smsIntakeOf(config, stores.smsLimiter),
          findStatus,
          disclosure: config.DISCLOSURE,
          refusesWhileEmailIsOff: config.EMAIL_PROVIDER === 'none' && config.EMAIL_OFF !== 'rotate',
          accept: intake.accept,
          findIdempotent: (key) => findIdempotentRequest(db, key),
        }),
        register: createRegister({
          keys,
          contract: 'v1',
          limits,
          limiter,
          findStatus,
          ring: (messageId) => doorbell.ring({ messageId, attempt: 0 }),
          write: (account, apiKey, message) => accounts.registerAccount(db, account, apiKey, message),
        }),
        limiter,
        keys,
        limits,
        organizationId: defaultOrganizationId,
        rules: {
          identity: config.EMAIL_IDENTITY,
          redirects: withOwnOrigin(config.REDIRECT_ORIGINS, config.PUBLIC_URL),
          redirectOnMiss: config.REDIRECT_ON_MISS,
          production: config.NODE_ENV === 'production',
        },
        emailOff: config.EMAIL_OFF,
        adminKey: config.ADMIN_KEY,
        brand: config.BRAND_NAME,
        negotiate: (header) => negotiateLocale(header, config.DEFAULT_LOCALE),
        readToken: (presented) => readToken(db, presented),
        confirmToken: (presented, purposes) => confirmToken(db, presented, purposes),
        findByApiKey: (id, hash) => accounts.findAccountByApiKey(db, id, hash),
        findAccount: (id) => accounts.findAccount(db, id),
        listEvents: (id) => accounts.listAccountEvents(db, id),
        listMessages: (filter) => listMessages(db, filter),
        findMessage: (organizationId, id) => findMessageHistory(db, organizationId, id),
        verifyByAdmin: (id) => accounts.verifyAccountByAdmin(db, id),
        changeStatus: (id, status) => accounts.changeAccountStatus(db, id, status),
        decided: tellDecision(metrics, keys),
      }),
      webhookRoute({
        provider: mailgun,
        path: '/v1/mailgun/webhook',
        publicUrl: config.PUBLIC_URL,
        settings: {
          signingKeys: signingKeysOf(config.MAILGUN_WEBHOOK_SIGNING_KEY),
          maxAgeSeconds: config.MAILGUN_WEBHOOK_MAX_AGE_SECONDS,
        },
        store: (event) => storeDeliveryEvent(db, event),
        counted: metrics.webhook,
      }),
      ...smsRoutes(config, db, metrics),
      ...(config.DEMO_PAGE === 'on'
        ? [demoRoute({ brand: config.BRAND_NAME, inboxUrl: config.INBOX_URL })]
        : []),
    ],
  });

  return {
    app,
    stop: async () => {
      await app.close();
      await doorbell.close();
      stores.redis?.disconnect();
      await db.destroy();
    },
  };
};

interface Stores {
  readonly limiter: Limiter;
  /** The same while Redis answers; else as SMS_LIMITER_ON_ERROR says. */
  readonly smsLimiter: Limiter;
  readonly doorbell: Doorbell;
  readonly redis: Redis | undefined;
}

/** Limits and queue on Redis with Postgres behind it, or on Postgres alone. */
const openStores = (config: ApiConfig, db: Database, log: Logger, metrics: ApiMetrics): Stores => {
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
    timeoutMs: limiterTimeoutMs,
    onError,
  });
  const forRings = connectForCalls(url, {
    name: `${config.REDIS_PREFIX}-api-rings`,
    timeoutMs: ringTimeoutMs,
    onError,
  });
  const limiter = createFallbackLimiter({
    primary: createRedisLimiter({
      redis: forLimits,
      prefix: config.REDIS_PREFIX,
      maxWaitMs: limiterTimeoutMs,
      readRows: batchedChargeLookup(db, config.INTAKE_BATCH_MAX),
    }),
    fallback: postgresLimiter,
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

/** Requests that arrive together share one SELECT, the same whether their accounts exist or not. */
const batchedStatusLookup = (
  db: Database,
  maxItems: number,
): ((key: Uint8Array) => Promise<AccountStatus | null>) => {
  const batcher = createBatcher<Uint8Array, AccountStatus | null>({
    maxItems,
    maxInFlight: 1,
    maxWaitMs: batchWaitMs,
    retryAlone: isRetryable,
    runBatch: (addressKeys) => accounts.findAccountStatuses(db, defaultOrganizationId, addressKeys),
  });
  return batcher.run;
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

interface Decided {
  readonly kind: string;
  readonly messageId?: string;
  readonly by?: { readonly kind: string; readonly retryAfterSeconds: number };
}

/**
 * The one wide line of a request for a message. A refusal names its limit; the address is there only
 * as the label under which an operator finds all lines about it.
 */
const tellDecision =
  (metrics: ApiMetrics, keys: KeySettings) =>
  (request: FastifyRequest, what: string, destination: Destination, outcome: Decided): void => {
    metrics.resendDecided('v1', `${what}_${outcome.kind}`);
    if (outcome.by !== undefined) metrics.limited(outcome.by.kind);
    request.log.info(
      {
        what,
        outcome: outcome.kind,
        addressLabel: logLabel(addressKeyOf(keys, defaultOrganizationId, destination.lookupForm)),
        messageId: outcome.messageId,
        limit: outcome.by?.kind,
        retryAfterSeconds: outcome.by?.retryAfterSeconds,
      },
      'resend.decided',
    );
  };
