import { hostname } from 'node:os';
import {
  endpointRulesOf,
  noticesOf,
  purposePoliciesOf,
  type WorkerConfig,
} from '@reconfirm/core/config/config';
import { askableProviders } from '@reconfirm/core/config/lookup-settings';
import { processName } from '@reconfirm/core/config/settings-fingerprint';
import { hardBounceDays } from '@reconfirm/core/suppression';
import { type Database, openDatabase } from '@reconfirm/db/database';
import { storeDeliveryEvent } from '@reconfirm/db/delivery-events';
import { createOrganizationConfigs } from '@reconfirm/db/organization-configs';
import { databaseProblems } from '@reconfirm/db/migrator';
import { findOrganization } from '@reconfirm/db/organizations';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { createJudgeDisposable, readDisposableDomains } from '@reconfirm/process/disposable-domains';
import type { Logger } from '@reconfirm/process/logger';
import { createDoorbells } from '@reconfirm/queue/doorbells';
import { redisProblems } from '@reconfirm/queue/redis';
import { startChannelWorker } from './channel-worker.ts';
import { workerFailPointsOf } from './fail-points.ts';
import { startLookups } from './lookups/start-lookups.ts';
import { domainOf } from './mail-carrier.ts';
import { onlyRoute, openMailRoutes } from './mail-routes.ts';
import { mailSenders } from './mail-senders.ts';
import { createWorkerMetrics } from './metrics.ts';
import { reportNumbers } from './numbers-report.ts';
import { openQueueConnections, queueCallTimeoutMs } from './open-queue.ts';
import { startOpsServer } from './ops-server.ts';
import { startEventLoop } from './outgoing/event-loop.ts';
import { createPostEvent } from './outgoing/post-event.ts';
import { previewMessage } from './preview/preview-message.ts';
import { previewRoute } from './preview/preview-route.ts';
import { availableLocales, createRenderer } from './render.ts';
import { bounceReturnOf, startReports } from './reports/start-reports.ts';
import { routeProblems, routeWarnings, senderWarnings } from './routes.ts';
import { smsCarrierOf } from './sms-carrier-of.ts';
import { reportSms } from './sms-report.ts';
import { startSweep } from './sweep.ts';
import { createSmsTransport } from './transports/create-sms-transport.ts';

export interface RunningWorker {
  readonly opsPort: number;
  /** Where bounces are taken by SMTP; undefined without BOUNCE_LISTEN. */
  readonly bouncePort: number | undefined;
  /** Finishes or gives back what is in hand within `timeoutMs`, then closes everything. */
  stop(timeoutMs: number): Promise<void>;
}

/** A sweep that made no progress for this long, beyond one hand-over, means that the process does not get on. */
const liveWithinMs = 60_000;
/** How soon a change that an operator makes is known to every process. */
const organizationsIntervalMs = 5000;

/** What Postgres takes as an id. */
const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** Builds the worker from its configuration and starts it. Rejects when a template or the ops port is broken. */
export const startWorker = async (config: WorkerConfig, log: Logger): Promise<RunningWorker> => {
  const workerName = `${hostname()}-${process.pid}`;
  const renderer = await createRenderer({
    brand: { name: config.BRAND_NAME },
    supportedLocales: availableLocales,
    fallbackLocale: config.DEFAULT_LOCALE,
  });
  const mailRoutes = openMailRoutes(
    config,
    {
      renderer,
      publicUrl: config.PUBLIC_URL,
      production: config.NODE_ENV === 'production',
      supportedLocales: availableLocales,
      // Known by the first mail.
      senderOf: (organizationId) => senderOf(organizationId),
      bounceOf: bounceReturnOf(config),
      headerOptions: {
        configurationSet: config.SES_CONFIGURATION_SET,
        messageStream: config.POSTMARK_MESSAGE_STREAM,
      },
    },
    log,
  );
  const smsTransport = createSmsTransport(config, log);
  const handOverMs = Math.max(config.SEND_TIMEOUT_SECONDS, config.SMS_TIMEOUT_SECONDS) * 1000;
  const metrics = createWorkerMetrics({
    inHand: () => mail.inHand() + sms.inHand(),
    ways: () =>
      [mail, sms].flatMap(({ channel, routes }) =>
        routes.map(({ carrier, lane, senders }) => ({
          channel,
          provider: carrier.providerName,
          open: lane.problem() === null,
          refusedSenders: senders.refused().length,
        })),
      ),
    // Nobody rings in a quiet hour, so a lost connection counts before the first ring fails.
    queueWorking: () =>
      doorbell.isWorking() && (queue.callRedis === undefined || queue.callRedis.status === 'ready'),
  });
  const disposable = readDisposableDomains(config.DISPOSABLE_LIST_PATH);
  // The last two steps that can fail, so they come before anything is open; what they ask for follows in the same turn.
  const ops = await startOpsServer({
    host: config.OPS_HOST,
    port: config.OPS_PORT,
    registry: metrics.registry,
    more: {
      '/preview': previewRoute({
        adminKey: config.ADMIN_KEY,
        preview: async ({ organization = defaultOrganizationId, ...asked }) => {
          const isThere = isId(organization) && (await findOrganization(db, organization)) !== undefined;
          if (!isThere) return null;
          await organizations.loaded();
          return previewMessage(asked, {
            renderer,
            publicUrl: config.PUBLIC_URL,
            supportedLocales: availableLocales,
            sender: senderOf(organization),
            policies: purposePoliciesOf(organizations.configOf(organization)),
          });
        },
      }),
    },
    live: async () =>
      performance.now() - sweep.lastProgressMs() > liveWithinMs + handOverMs
        ? ['the sweep has made no progress for over a minute']
        : [],
    ready: async () => [
      ...(await databaseProblems(db)),
      ...(await redisProblems(queue.callRedis)),
      ...routeProblems('mail', mail.routes),
      ...routeProblems('SMS', sms.routes),
    ],
    warnings: () => [
      ...routeWarnings('mail', mail.routes),
      ...senderWarnings('mail', mail.routes),
      ...lookups.warnings(),
    ],
  });
  const suppressDays = hardBounceDays(config.SUPPRESS_HARD_BOUNCE_DAYS);
  const reports = await startReports({
    config,
    store: (event) => storeDeliveryEvent(db, event, suppressDays),
    metrics,
    log,
  }).catch(async (error: unknown) => {
    await ops.close();
    throw error;
  });
  const db = openWorkerDatabase(config, log);
  const queue = openQueueConnections(config, log);
  const doorbell = createDoorbells({
    backend: queue.producer,
    timeoutMs: queueCallTimeoutMs,
    onChange: ({ working, cause }) => log.warn({ working, err: cause }, 'queue.changed'),
  });
  const organizations = createOrganizationConfigs({
    db,
    config,
    intervalMs: organizationsIntervalMs,
    onProblem: ({ organizationId, cause }) =>
      log.warn({ organizationId, err: cause }, 'organizations.not_read'),
  });
  organizations.start();
  const senderOf = mailSenders(organizations.configOf);
  const failPoints = workerFailPointsOf(config.FAILPOINT);
  const shared = {
    db,
    failPoints,
    backend: queue.consumer,
    leaseSeconds: config.LEASE_SECONDS,
    suppressDays,
    // Nobody's message goes out in the installation's name because it was early.
    ready: organizations.loaded,
    ringAll: doorbell.ringAll,
    keys: { ring: config.TOKEN_KEYS, codeHashKey: config.ADDRESS_HASH_KEY },
    noticesOf: (organizationId: string) => noticesOf(organizations.configOf(organizationId)),
    policiesOf: (organizationId: string) => purposePoliciesOf(organizations.configOf(organizationId)),
    workerName,
    log,
    metrics,
  };
  const mail = startChannelWorker({
    ...shared,
    routes: mailRoutes.routes,
    concurrency: config.WORKER_CONCURRENCY,
    rate: config.SEND_RATE,
  });
  const sms = startChannelWorker({
    ...shared,
    routes: onlyRoute(
      smsCarrierOf(config, { db, log, metrics, transport: smsTransport, renderer, senderOf }),
      log,
    ),
    concurrency: config.SMS_CONCURRENCY,
    rate: config.SMS_SEND_RATE,
  });
  const smsReport = reportSms({ db, log, metrics });
  const numbersReport = reportNumbers({ db, log, metrics });
  const channels = { email: mail, sms };
  const sweep = startSweep({
    db,
    doorbell: failPoints.sweepDoorbell(doorbell),
    channels,
    intervalMs: config.SWEEP_INTERVAL_MS,
    retentionDays: config.RETENTION_DAYS,
    pendingAccountDays: config.PENDING_ACCOUNT_DAYS,
    suppressDays,
    log,
    metrics,
  });
  const lookups = startLookups({
    db,
    providers: askableProviders(config),
    afterSeconds: config.LOOKUP_AFTER_SECONDS,
    messageIdDomainOf: (organizationId) => domainOf(senderOf(organizationId).from.address),
    ready: organizations.loaded,
    suppressDays,
    log,
    metrics,
  });
  const events = startEventLoop({
    db,
    keys: config.TOKEN_KEYS,
    post: createPostEvent({ rules: endpointRulesOf(config) }),
    judgeDisposable: createJudgeDisposable(disposable, organizations.configOf),
    concurrency: config.EVENT_CONCURRENCY,
    log,
    metrics,
  });
  const stop = async (timeoutMs: number): Promise<void> => {
    const endMs = performance.now() + timeoutMs;
    const swept = sweep.stop();
    const told = events.stop(timeoutMs);
    smsReport.stop();
    const heard = Promise.all([reports.stop(), lookups.stop()]);
    numbersReport.stop();
    await Promise.all([mail.close(timeoutMs), sms.close(timeoutMs)]);
    await withinMs(swept, Math.max(0, endMs - performance.now()));
    mail.abort();
    sms.abort();
    await withinMs(
      untilEmpty(() => mail.inHand() + sms.inHand()),
      2000,
    );
    await Promise.all([mail.giveBack(), sms.giveBack()]);
    organizations.stop();
    await withinMs(told, 5000);
    await withinMs(heard, 5000);
    await Promise.allSettled([mailRoutes.close(), smsTransport.close(), doorbell.close(), ops.close()]);
    queue.disconnect();
    await withinMs(db.destroy(), 1000);
  };
  log.info(
    {
      workerName,
      queue: config.QUEUE_BACKEND,
      provider: config.EMAIL_PROVIDER,
      failoverProvider: config.EMAIL_FAILOVER_PROVIDER,
      smsProvider: config.SMS_PROVIDER,
      opsPort: ops.port,
      bouncePort: reports.port,
    },
    'worker.started',
  );
  return { opsPort: ops.port, bouncePort: reports.port, stop };
};

const openWorkerDatabase = (config: WorkerConfig, log: Logger): Database =>
  openDatabase({
    url: config.DATABASE_URL.reveal(),
    pooler: config.DATABASE_POOLER,
    poolMax: config.DATABASE_POOL_MAX,
    timeoutMs: config.DATABASE_TIMEOUT_MS,
    applicationName: processName('mailer-worker', config),
    onIdleError: (error) => log.warn({ err: error }, 'database.connection_lost'),
  });

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
