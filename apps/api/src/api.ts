import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { type ApiConfig, endpointRulesOf } from '@reconfirm/core/config/config';
import { rememberSecondsOf } from '@reconfirm/core/limits';
import { listProcessNames } from '@reconfirm/db/connected-processes';
import { createOrganizationConfigs } from '@reconfirm/db/organization-configs';
import { findOrganization } from '@reconfirm/db/organizations';
import { databaseProblems } from '@reconfirm/db/migrator';
import { createJudgeDisposable, readDisposableDomains } from '@reconfirm/process/disposable-domains';
import type { Logger } from '@reconfirm/process/logger';
import { redisProblems } from '@reconfirm/queue/redis';
import { disownMessage } from '@reconfirm/db/disown';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { buildApp } from './app.ts';
import { createCheckLimits } from './check-limits.ts';
import { openCaptchaGate } from './captcha/open-captcha-gate.ts';
import { composeHooks, hooksRules } from './contracts/hooks.ts';
import { contracts } from './contracts/registry.ts';
import { composeV1Page, requestRulesOf } from './contracts/v1.ts';
import { rulesByOrganization } from './contract-rules.ts';
import { limitCheckRoute } from './dialects/v1/limit-check-route.ts';
import { doctorRoute } from './doctor/doctor-route.ts';
import { demoRoute } from './demo-route.ts';
import { apiFailPointsOf } from './fail-points.ts';
import { createIntake } from './intake.ts';
import { mailWebhooks } from './mail-webhooks.ts';
import { createApiMetrics } from './metrics.ts';
import type { KeySettings } from './request-keys.ts';
import { notMeRoutes } from './not-me-page.ts';
import { createAddressLimits } from './operator/address-limits.ts';
import { composeOperator } from './operator/compose-operator.ts';
import { suppressionRoutes } from './dialects/v1/suppression-routes.ts';
import { endpointRoutes } from './outgoing/endpoint-routes.ts';
import { createEndpoints } from './outgoing/endpoints.ts';
import { eventRoutes } from './outgoing/event-routes.ts';
import { createAccess } from './sessions/access.ts';
import { jwksRoute } from './sessions/jwks-route.ts';
import { batchedStatusLookup, batchWaitMs, openApiDatabase, openStores } from './stores.ts';
import { type Parts, setPasswordByTokenOf } from './use-cases.ts';
import { setPasswordPage } from './set-password-page.ts';
import { negotiateLocale } from './language.ts';
import { passwordSizeMax } from '@reconfirm/core/password';
import { hardBounceDays } from '@reconfirm/core/suppression';
import { readToken } from '@reconfirm/db/token-state';
import { watchSettings } from './settings-watch.ts';
import { smsIntakeOf } from './sms-intake.ts';
import { createReportIntake } from './report-intake.ts';
import { smsRoutes } from './sms-routes.ts';
import { createWebhookCalls, type Get } from './webhook-calls.ts';

export interface Api {
  /** Not listening yet. */
  readonly app: FastifyInstance;
  /** Answers what is in hand, then closes everything. */
  stop(): Promise<void>;
}

/** How soon a change that an operator makes is known to every process. */
const organizationsIntervalMs = 5000;
/** How often the settings of all processes are compared; a difference lasts until somebody restarts one. */
const settingsIntervalMs = 30_000;

/** What lies beyond our own stores. */
export interface Outside {
  /** By which the certificates of Amazon SNS are fetched. */
  readonly get: Get;
}

/** Builds the API from its configuration. Nothing is connected to before it is needed. */
export const createApi = async (
  config: ApiConfig,
  log: Logger,
  outside: Outside = { get: fetch },
): Promise<Api> => {
  const disposable = readDisposableDomains(config.DISPOSABLE_LIST_PATH);
  const metrics = createApiMetrics();
  const db = openApiDatabase(config, log);
  const { limiter, smsLimiter, redis, ...stores } = openStores(config, db, log, metrics);
  const failPoints = apiFailPointsOf(config.FAILPOINT);
  const doorbell = failPoints.doorbell(stores.doorbell);
  const keys: KeySettings = {
    hashKey: config.ADDRESS_HASH_KEY,
    ipv6PrefixBits: config.IPV6_PREFIX_BITS,
    // Contracts count the same clients and mailboxes: what one of them still counts, none may forget.
    rememberSeconds: rememberSecondsOf(
      [...config.CONTRACTS.map((name) => contracts[name].rules), hooksRules].map(
        (rules) => rules(config).limits,
      ),
      config.RATE_LIMIT_MEMORY_SECONDS,
    ),
  };
  const access = await createAccess({ config, db, log, metrics, limiter, keys, batchWaitMs });
  const organizations = createOrganizationConfigs({
    db,
    config,
    intervalMs: organizationsIntervalMs,
    onProblem: ({ organizationId, cause }) =>
      log.warn({ organizationId, err: cause }, 'organizations.not_read'),
  });
  const sms = smsIntakeOf(config, smsLimiter);
  const parts: Parts = {
    config,
    configOf: organizations.configOf,
    db,
    metrics,
    keys,
    access,
    limiter,
    sms,
    addressLimits: createAddressLimits({
      keys,
      // An invitation's limits are of the administrator too, and its wait stands with it.
      rulesOf: config.CONTRACTS.filter((name) => name !== 'entryguard').map((name) =>
        rulesByOrganization(contracts[name].rules, organizations.configOf),
      ),
      limiter,
      smsLimiter: sms.limiter,
    }),
    captchaGate: openCaptchaGate(config, db, limiter, log, metrics),
    findStatus: batchedStatusLookup(db, config.INTAKE_BATCH_MAX),
    judgeDisposable: createJudgeDisposable(disposable, organizations.configOf),
    intake: createIntake({
      db,
      doorbell,
      batchMax: config.INTAKE_BATCH_MAX,
      maxWaitMs: batchWaitMs,
      onBatch: failPoints.onBatch(metrics.intakeBatch),
    }),
    ring: (messageId, { channel, priority }) => doorbell.ring({ messageId, attempt: 0, channel, priority }),
  };
  const reports = createReportIntake({
    db,
    suppressDays: hardBounceDays(config.SUPPRESS_HARD_BOUNCE_DAYS),
    maxWaitMs: batchWaitMs,
    onBatch: metrics.webhookBatch,
    onNotApplied: (error) => log.warn({ err: error }, 'reports.not_applied'),
  });
  const operator = { db, adminKey: config.ADMIN_KEY, organizationId: defaultOrganizationId };
  const outgoing = { keys: config.TOKEN_KEYS, rules: endpointRulesOf(config) };
  const app = await buildApp({
    log,
    metrics,
    trustedProxies: config.TRUSTED_PROXIES,
    clientAddresses: {
      keys: config.CLIENT_ADDRESS_KEYS ?? [],
      maxAgeSeconds: config.CLIENT_ADDRESS_MAX_AGE_SECONDS,
    },
    errorCodes: config.ERROR_CODES,
    publicUrl: config.PUBLIC_URL,
    brand: config.BRAND_NAME,
    databaseTimeoutMs: config.DATABASE_TIMEOUT_MS,
    documents: config.CONTRACTS.flatMap((name) => contracts[name].document ?? []),
    findProblems: async () => [...(await databaseProblems(db)), ...(await redisProblems(redis))],
    plugins: [
      ...config.CONTRACTS.map((name) => contracts[name].compose(parts)),
      ...(config.CONTRACTS.includes('v1') ? [] : [composeV1Page(parts)]),
      ...(access === undefined ? [] : [jwksRoute(access.sessions), setPasswordPageOf(parts)]),
      composeHooks(parts),
      composeOperator(parts),
      notMeRoutes({
        brand: config.BRAND_NAME,
        negotiate: (header) => negotiateLocale(header, config.DEFAULT_LOCALE),
        disown: (tokenHash) => disownMessage(db, tokenHash),
      }),
      endpointRoutes({ ...operator, endpoints: createEndpoints({ ...operator, ...outgoing }) }),
      eventRoutes({ ...operator, judgeDisposable: parts.judgeDisposable }),
      doctorRoute({ config, db }),
      ...mailWebhooks(config, reports, metrics, createWebhookCalls(outside.get)),
      suppressionRoutes({ ...operator, keys, identity: config.EMAIL_IDENTITY }),
      ...smsRoutes(config, db, reports, metrics),
      limitCheckOf(parts),
      ...(config.DEMO_PAGE === 'on'
        ? [demoRoute({ brand: config.BRAND_NAME, inboxUrl: config.INBOX_URL })]
        : []),
    ],
  });

  const settings = watchSettings({
    intervalMs: settingsIntervalMs,
    listProcessNames: () => listProcessNames(db),
    seen: metrics.settingsSeen,
    onChange: (differ) => log[differ ? 'warn' : 'info']({ differ }, 'settings.compared'),
  });
  // Not waited for: a request that is faster has the installation's limits, and its redirect is judged again when it is used.
  organizations.start();
  return {
    app,
    stop: async () => {
      organizations.stop();
      settings.stop();
      await app.close();
      await doorbell.close();
      redis?.disconnect();
      await db.destroy();
    },
  };
};

/** Of every contract but those whose limits are not of clients: an invitation's wait stands with it. */
const limitCheckOf = (parts: Parts): FastifyPluginAsync => {
  const { config, configOf, db } = parts;
  const names = config.CONTRACTS.filter((name) => name !== 'entryguard');
  const rules = new Map(
    names.map((name) => [name as string, rulesByOrganization(contracts[name].rules, configOf)]),
  );
  return limitCheckRoute({
    adminKey: config.ADMIN_KEY,
    defaultOrganizationId,
    contracts: names,
    requestRulesOf: (organizationId) => requestRulesOf(configOf(organizationId)),
    isOrganization: async (id) => (await findOrganization(db, id)) !== undefined,
    checkLimits: createCheckLimits({ ...parts, rules }),
  });
};

const setPasswordPageOf = (parts: Parts): FastifyPluginAsync => {
  const { config } = parts;
  return setPasswordPage({
    setPassword: setPasswordByTokenOf(parts),
    readToken: (presented) => readToken(parts.db, presented),
    policy: {
      sizeMin: config.PASSWORD_LENGTH_MIN,
      sizeMax: passwordSizeMax,
      classes: config.PASSWORD_CLASSES,
    },
    brandOf: (organizationId) =>
      (organizationId === null ? config : parts.configOf(organizationId)).BRAND_NAME,
    negotiate: (header) => negotiateLocale(header, config.DEFAULT_LOCALE),
  });
};
