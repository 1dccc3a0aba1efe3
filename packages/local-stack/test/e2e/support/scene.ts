import { randomBytes } from 'node:crypto';
import { onTestFailed } from 'vitest';
import { findFreePort, startInbox, type RunningInbox } from '../../../src/index.ts';
import { createTestDatabase, redisPrefix, testStores } from '../../../src/testing.ts';
import { createApiClient, type ApiClient } from './api-client.ts';
import { startService, type ServiceProcess } from './service-process.ts';

export type Settings = Readonly<Record<string, string>>;

export interface RunningApi extends ServiceProcess {
  readonly client: ApiClient;
  readonly url: string;
  readonly adminKey: string;
}

/** One installation of its own: a database, a Redis prefix, keys, an inbox, and the processes that a test starts. */
export interface Scene extends AsyncDisposable {
  readonly inbox: RunningInbox;
  readonly databaseUrl: string;
  readonly redisPrefix: string;
  startApi(settings?: Settings): Promise<RunningApi>;
  startWorker(settings?: Settings): Promise<ServiceProcess>;
}

export const webhookKey = 'key-of-the-webhooks-of-this-test';

/** Where the queue and the limits live; every process of a scene is told the same. */
export const redisSettings = (redisUrl: string): Settings => ({
  QUEUE_BACKEND: 'redis',
  REDIS_URL: redisUrl,
});
export const postgresSettings: Settings = { QUEUE_BACKEND: 'postgres' };

/**
 * Opens a scene; `await using` closes it: every process that still runs gets SIGTERM and has to end
 * with 0. When the test fails, the last lines of every process are printed.
 */
export const openScene = async (shared: Settings): Promise<Scene> => {
  const stores = testStores();
  await using opened = new AsyncDisposableStack();
  const database = await createTestDatabase(stores);
  opened.defer(() => database.drop());
  const inbox = opened.use(await startInbox({ capacity: 5000 }));
  const prefix = redisPrefix(stores);
  const adminKey = randomBytes(24).toString('base64url');
  const publicPort = await findFreePort();
  const processes: ServiceProcess[] = [];
  opened.defer(() => endAll(processes));
  onTestFailed(() => printLogs(processes));
  const stack = opened.move();

  const common: Settings = {
    NODE_ENV: 'development',
    DATABASE_URL: database.url,
    REDIS_PREFIX: prefix,
    PUBLIC_URL: `http://localhost:${publicPort}`,
    TOKEN_KEYS: `1:${randomBytes(32).toString('base64')}`,
    ADDRESS_HASH_KEY: randomBytes(32).toString('base64'),
    EMAIL_PROVIDER: 'mailgun',
    ...shared,
  };

  let apiCount = 0;
  const startApi = async (settings: Settings = {}): Promise<RunningApi> => {
    apiCount += 1;
    const name = `api ${apiCount}`;
    // The first one is where links lead.
    const port = apiCount === 1 ? publicPort : await findFreePort();
    const api = await startService(
      name,
      'apps/api/src/main.ts',
      {
        ...common,
        HOST: '127.0.0.1',
        PORT: String(port),
        ADMIN_KEY: adminKey,
        MAILGUN_WEBHOOK_SIGNING_KEY: webhookKey,
        ...settings,
      },
      port,
    );
    processes.push(api);
    return {
      ...api,
      client: stack.use(createApiClient(port, adminKey)),
      url: `http://127.0.0.1:${port}`,
      adminKey,
    };
  };

  let workerCount = 0;
  const startWorker = async (settings: Settings = {}): Promise<ServiceProcess> => {
    workerCount += 1;
    const name = `worker ${workerCount}`;
    const port = await findFreePort();
    const worker = await startService(
      name,
      'apps/mailer-worker/src/main.ts',
      {
        ...common,
        OPS_HOST: '127.0.0.1',
        OPS_PORT: String(port),
        MAIL_FROM: 'Reconfirm <no-reply@reconfirm.localhost>',
        SMTP_URL: inbox.smtpUrl,
        SMTP_TLS: 'off',
        ...settings,
      },
      port,
    );
    processes.push(worker);
    return worker;
  };

  return {
    inbox,
    databaseUrl: database.url,
    redisPrefix: prefix,
    startApi,
    startWorker,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/** A process that died, or that cannot stop in order, fails the test, whatever the test was about. */
const endAll = async (processes: readonly ServiceProcess[]): Promise<void> => {
  const ends = await Promise.allSettled(processes.map((service) => service.finish()));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};

const printLogs = (processes: readonly ServiceProcess[]): void => {
  for (const service of processes) console.error(`--- ${service.name}\n${service.tail(40).join('\n')}`);
};
