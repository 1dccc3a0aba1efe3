import { startInbox, type RunningInbox } from '@reconfirm/local-stack';
import { createTestDatabase, redisPrefix, testStores } from '@reconfirm/local-stack/testing';
import { onTestFailed } from 'vitest';
import {
  createInstallation,
  type Installation,
  type InstallationPlace,
  type Settings,
} from '../../src/installation.ts';
import type { ServiceProcess } from '../../src/service-process.ts';

/** An installation of a test's own: a database, a Redis prefix, keys, an inbox, and the processes that the test starts. */
export interface Scene extends AsyncDisposable, Pick<Installation, 'startApi' | 'startWorker'> {
  readonly inbox: RunningInbox;
  readonly databaseUrl: string;
  readonly redisPrefix: string;
  /** Prints the last lines of every process: for a test that failed in a scene that several share. */
  printLogs(): void;
}

/** A scene of one test, whose failure prints the last lines of every process. */
export const openScene = async (settings: Settings, onLine?: InstallationPlace['onLine']): Promise<Scene> => {
  const scene = await openSharedScene(settings, onLine);
  onTestFailed(scene.printLogs);
  return scene;
};

/**
 * Opens a scene; `await using` closes it: every process that still runs gets SIGTERM and has to end
 * with 0.
 */
export const openSharedScene = async (
  settings: Settings,
  onLine?: InstallationPlace['onLine'],
): Promise<Scene> => {
  const stores = testStores();
  await using opened = new AsyncDisposableStack();
  const database = await createTestDatabase(stores);
  opened.defer(() => database.drop());
  const inbox = opened.use(await startInbox({ capacity: 5000 }));
  const prefix = redisPrefix(stores);
  const installation = opened.use(
    await createInstallation({
      databaseUrl: database.url,
      redisPrefix: prefix,
      smtpUrl: inbox.smtpUrl,
      settings,
      ...(onLine !== undefined && { onLine }),
    }),
  );
  opened.defer(() => endAll(installation.processes));
  const stack = opened.move();
  return {
    inbox,
    databaseUrl: database.url,
    redisPrefix: prefix,
    startApi: installation.startApi,
    startWorker: installation.startWorker,
    printLogs: () => printLogs(installation.processes),
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
