import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { findFreePort } from '@reconfirm/local-stack';
import { createApiClient, type ApiClient } from './api-client.ts';
import { startService, type ServiceProcess } from './service-process.ts';

export type Settings = Readonly<Record<string, string>>;

export interface RunningApi extends ServiceProcess {
  readonly client: ApiClient;
  readonly url: string;
  readonly adminKey: string;
}

export interface RunningWorker extends ServiceProcess {
  /** Where its metrics are. */
  readonly opsUrl: string;
}

export interface InstallationPlace {
  readonly databaseUrl: string;
  readonly redisPrefix: string;
  /** Where the workers hand their mails over. */
  readonly smtpUrl: string;
  /** Told to every process, over the defaults of this file. */
  readonly settings: Settings;
  /** Folder for a file of each process with all that it prints. */
  readonly logDir?: string;
  /** Told every line that a process logs, with the name of the process: `api 1`, `worker 2`. */
  readonly onLine?: (name: string, line: string) => void;
}

/** One installation: the same stores, keys and settings for every process that is started in it. */
export interface Installation {
  /** The first API listens where the links in mails lead, unless its settings name a PORT. */
  startApi(settings?: Settings): Promise<RunningApi>;
  startWorker(settings?: Settings): Promise<RunningWorker>;
  /** Every process that was started, ended or not. */
  readonly processes: readonly ServiceProcess[];
  /** Drops the connections of all clients. */
  [Symbol.dispose](): void;
}

export const webhookKey = 'key-of-the-webhooks-of-this-test';

/** Where the queue and the limits live; every process of an installation is told the same. */
export const redisSettings = (redisUrl: string): Settings => ({
  QUEUE_BACKEND: 'redis',
  REDIS_URL: redisUrl,
});
export const postgresSettings: Settings = { QUEUE_BACKEND: 'postgres' };

/** Makes up the keys of an installation and finds it a port; starts nothing yet. */
export const createInstallation = async (place: InstallationPlace): Promise<Installation> => {
  const adminKey = randomBytes(24).toString('base64url');
  const publicPort = await findFreePort();
  const processes: ServiceProcess[] = [];
  const clients = new DisposableStack();
  const logFileOf = (name: string): string | undefined =>
    place.logDir === undefined ? undefined : join(place.logDir, `${name.replace(' ', '-')}.log`);

  const common: Settings = {
    NODE_ENV: 'development',
    DATABASE_URL: place.databaseUrl,
    REDIS_PREFIX: place.redisPrefix,
    PUBLIC_URL: `http://localhost:${publicPort}`,
    TOKEN_KEYS: `1:${randomBytes(32).toString('base64')}`,
    ADDRESS_HASH_KEY: randomBytes(32).toString('base64'),
    EMAIL_PROVIDER: 'mailgun',
    ...place.settings,
  };

  let apiCount = 0;
  const startApi = async (settings: Settings = {}): Promise<RunningApi> => {
    apiCount += 1;
    const name = `api ${apiCount}`;
    const port = Number(settings['PORT'] ?? (apiCount === 1 ? publicPort : await findFreePort()));
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
      logFileOf(name),
      (line) => place.onLine?.(name, line),
    );
    processes.push(api);
    return {
      ...api,
      client: clients.use(createApiClient(port, adminKey)),
      url: `http://127.0.0.1:${port}`,
      adminKey,
    };
  };

  let workerCount = 0;
  const startWorker = async (settings: Settings = {}): Promise<RunningWorker> => {
    workerCount += 1;
    const name = `worker ${workerCount}`;
    const port = Number(settings['OPS_PORT'] ?? (await findFreePort()));
    const worker = await startService(
      name,
      'apps/mailer-worker/src/main.ts',
      {
        ...common,
        OPS_HOST: '127.0.0.1',
        OPS_PORT: String(port),
        MAIL_FROM: 'Reconfirm <no-reply@reconfirm.localhost>',
        SMTP_URL: place.smtpUrl,
        SMTP_TLS: 'off',
        ...settings,
      },
      port,
      logFileOf(name),
      (line) => place.onLine?.(name, line),
    );
    processes.push(worker);
    return { ...worker, opsUrl: `http://127.0.0.1:${port}` };
  };

  return { startApi, startWorker, processes, [Symbol.dispose]: () => clients.dispose() };
};
