import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reapOrphan } from './pid-file.ts';
import { clusterPath, removePostgresData } from './postgres-cluster.ts';
import { StackError, systemErrorCode } from './stack-error.ts';
import { banner } from './up/banner.ts';
import { chooseApiPort, chooseWorkerPort, type Ports } from './up/choose-ports.ts';
import { HELP, parseFlags, type Flags } from './up/flags.ts';
import { acquireLock } from './up/lock.ts';
import { describeStores, openStores } from './up/open-stores.ts';
import { createParts, PART_NAMES, type Parts } from './up/parts.ts';
import {
  apiEnvironment,
  simulatorEnvironment,
  isGiven,
  workerEnvironment,
  type Environment,
} from './up/process-settings.ts';
import { loadSecrets } from './up/secrets.ts';
import { migrate, startInboxProcess, startService, stopStepsOf, type ServiceContext } from './up/services.ts';

export { watchRunners } from './up/watch-runners.ts';

export type UpOptions = {
  repoDir: string;
  argv: readonly string[];
  env: Environment;
  /** Aborting it stops everything: the caller turns Ctrl-C into this. */
  signal: AbortSignal;
  print(line: string): void;
};

/**
 * Runs the whole system until the signal and returns the exit code: 0 when it was stopped, 1 when something
 * failed (one sentence is printed), 2 when the command line was wrong. No process is left in any case.
 */
export const up = async (options: UpOptions): Promise<number> => {
  const dataDir = join(options.repoDir, '.reconfirm');
  let flags: Flags;
  try {
    flags = parseFlags(options.argv);
  } catch (error) {
    options.print(sentenceFor(error, dataDir));
    return 2;
  }
  if (flags.help) {
    options.print(HELP);
    return 0;
  }
  try {
    return await runLocked(options, flags, dataDir);
  } catch (error) {
    options.print(sentenceFor(error, dataDir));
    return 1;
  }
};

const runLocked = async (options: UpOptions, flags: Flags, dataDir: string): Promise<number> => {
  mkdirSync(dataDir, { recursive: true });
  const release = acquireLock(join(dataDir, 'up.pid'));
  try {
    return await run(options, flags, dataDir);
  } finally {
    release();
  }
};

const run = async (options: UpOptions, flags: Flags, dataDir: string): Promise<number> => {
  const { signal, print } = options;
  const parts = createParts();
  // Ends the waiting of every step as soon as one of them, or the person, ends the run.
  const ending = new AbortController();
  const { promise: interrupted, resolve } = Promise.withResolvers<'interrupted'>();
  const onAbort = (): void => resolve('interrupted');
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const started = start(options, flags, dataDir, parts, AbortSignal.any([signal, ending.signal]));
  try {
    const first = await Promise.race([started, interrupted, parts.died]);
    if (first !== 'interrupted') {
      print(first);
      await Promise.race([interrupted, parts.died]);
    }
    return 0;
  } catch (error) {
    // What fails because it was interrupted did not fail.
    if (signal.aborted) return 0;
    throw error;
  } finally {
    if (signal.aborted) print('\nStopping.');
    signal.removeEventListener('abort', onAbort);
    ending.abort();
    // A step that was still starting something ends first, so that what it started is stopped too.
    await Promise.allSettled([started]);
    await parts.stopAll();
    if (signal.aborted) print('Everything is stopped; the data stays in .reconfirm.');
  }
};

/** Brings everything up, in parallel where nothing depends on the order, and returns what to print. */
const start = async (
  options: UpOptions,
  flags: Flags,
  dataDir: string,
  parts: Parts,
  signal: AbortSignal,
): Promise<string> => {
  const { repoDir, print } = options;
  // Compiled code of the run before: a third less time until the services are ready.
  const cache = flags.watch ? {} : { NODE_COMPILE_CACHE: join(dataDir, 'cache') };
  const env: Environment = { ...cache, ...options.env };
  const context: ServiceContext = {
    repoDir,
    dataDir,
    logDir: join(dataDir, 'logs'),
    runDir: join(dataDir, 'run'),
    watch: flags.watch,
    parts,
    signal,
    print,
    progress: (part, detail, startedAt) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      print(`  ${part.padEnd(9)} ${detail} (${seconds} s)`);
    },
  };
  print('Starting Reconfirm.');
  await reapEarlierRun(context.runDir);
  if (flags.fresh) await deleteData(dataDir, env, print);
  for (const dir of [context.logDir, context.runDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const apiPort = await chooseApiPort(flags, env);
  const hasData = existsSync(clusterPath(join(dataDir, 'postgres')));
  const secrets = loadSecrets(join(dataDir, 'secrets.json'), hasData);

  const simulator = simulatorEnvironment(env, apiPort, randomBytes(24).toString('base64url'));

  const [storesOpened, inboxStarted] = await Promise.allSettled([
    openStores({ ...context, env }),
    startInboxProcess(context, { ...env, ...simulator.inbox }),
  ]);
  if (storesOpened.status === 'rejected') throw storesOpened.reason;
  if (inboxStarted.status === 'rejected') throw inboxStarted.reason;
  const stores = storesOpened.value;
  print(`  ${describeStores(env, stores)}`);

  const ports: Ports = { api: apiPort, workerOps: await chooseWorkerPort(env), ...inboxStarted.value };
  const apiEnv = { ...apiEnvironment(env, ports, secrets, stores), ...simulator.api };
  const workerEnv = workerEnvironment(env, ports, secrets, stores);
  await migrate(context, apiEnv);
  const services = await Promise.allSettled([
    startService(context, 'api', 'apps/api/src/main.ts', apiEnv.HOST, ports.api, apiEnv),
    startService(
      context,
      'worker',
      'apps/mailer-worker/src/main.ts',
      workerEnv.OPS_HOST,
      ports.workerOps,
      workerEnv,
    ),
  ]);
  for (const service of services) if (service.status === 'rejected') throw service.reason;
  return banner({
    ports,
    adminKey: isGiven(env, 'ADMIN_KEY') ? undefined : secrets.adminKey,
    usesOwnMailServer: isGiven(env, 'SMTP_URL'),
  });
};

/** What an earlier run left because even its guards were killed. The stores do this for themselves. */
const reapEarlierRun = async (runDir: string): Promise<void> => {
  if (!existsSync(runDir)) return;
  const files = new Set(readdirSync(runDir));
  await Promise.all(
    PART_NAMES.filter((name) => files.has(`${name}.pid`)).map((name) =>
      reapOrphan(join(runDir, `${name}.pid`), stopStepsOf(name)),
    ),
  );
};

/** The keys go only together with the database that needs them. */
const deleteData = async (
  dataDir: string,
  env: Environment,
  print: (line: string) => void,
): Promise<void> => {
  await removePostgresData(join(dataDir, 'postgres'));
  const ownDatabase = isGiven(env, 'DATABASE_URL');
  for (const name of ['inbox', 'redis', 'logs', 'cache', ...(ownDatabase ? [] : ['secrets.json'])]) {
    rmSync(join(dataDir, name), { recursive: true, force: true });
  }
  if (ownDatabase) print('  --fresh leaves the database at DATABASE_URL, and its keys, as they are.');
};

const sentenceFor = (error: unknown, dataDir: string): string => {
  if (error instanceof StackError) return error.message;
  const code = systemErrorCode(error) ?? '';
  const message = error instanceof Error ? error.message : String(error);
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) {
    return `Something in ${dataDir} cannot be written (${message}): run as the user who owns it, or delete it.`;
  }
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return `The disk that holds ${dataDir} is full: free some space and start again.`;
  const details = join(dataDir, 'up-error.txt');
  writeFileSync(details, error instanceof Error ? `${error.stack ?? message}\n` : message, { mode: 0o600 });
  return `Reconfirm could not start: ${message} (the details are in ${details}).`;
};
