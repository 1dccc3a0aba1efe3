import { join } from 'node:path';
import { startProcess, type StartedProcess } from '../start-process.ts';
import { StackError } from '../stack-error.ts';
import type { StopStep } from '../process-identity.ts';
import type { Ports } from './choose-ports.ts';
import type { PartName, Parts } from './parts.ts';
import type { Environment } from './process-settings.ts';
import { readyUrl, whenReady } from './when-ready.ts';

export type ServiceContext = {
  repoDir: string;
  dataDir: string;
  logDir: string;
  runDir: string;
  watch: boolean;
  parts: Parts;
  signal: AbortSignal;
  print(line: string): void;
  progress(part: string, detail: string, startedAt: number): void;
};

// Together with Redis (up to 2 s, in fact 5 ms) and Postgres (0.8 s) these stay below 5 s.
const STOP_TIMEOUT_MS: Readonly<Partial<Record<PartName, number>>> = {
  migration: 300,
  worker: 1800,
  api: 1000,
  inbox: 400,
};
const INBOX_TIMEOUT_MS = 15_000;

export const stopStepsOf = (name: PartName): StopStep[] => [
  { signal: 'SIGTERM', timeoutMs: STOP_TIMEOUT_MS[name] ?? 1000 },
];

const startNode = (
  context: ServiceContext,
  name: PartName,
  args: readonly string[],
  env: Environment,
): Promise<StartedProcess> =>
  startProcess({
    name,
    command: process.execPath,
    args,
    cwd: context.repoDir,
    env,
    logFile: join(context.logDir, `${name}.log`),
    pidFile: join(context.runDir, `${name}.pid`),
    stopSteps: stopStepsOf(name),
    ...(context.watch && { onLine: (line: string) => context.print(`${name.padEnd(8)} ${line}`) }),
  });

/** Brings the schema up to date. Throws StackError `migration_failed` with the command's own reason. */
export const migrate = async (context: ServiceContext, env: Environment): Promise<void> => {
  const startedAt = performance.now();
  const command = await startNode(context, 'migration', ['packages/db/src/migrate.ts'], env);
  context.signal.addEventListener('abort', () => void command.stop(), { once: true });
  const { code } = await command.exited;
  context.signal.throwIfAborted();
  const lastLine = command.tail(1)[0] ?? 'no reason given';
  if (code !== 0) throw new StackError('migration_failed', `The database could not be prepared: ${lastLine}`);
  context.progress('schema', lastLine, startedAt);
};

/** Starts the inbox, on its usual ports when they are free, and returns the ports that it took. */
export const startInboxProcess = async (
  context: ServiceContext,
  env: Environment,
): Promise<Pick<Ports, 'inboxHttp' | 'inboxSmtp'>> => {
  const startedAt = performance.now();
  const main = join(import.meta.dirname, '..', 'inbox', 'main.ts');
  const inbox = await startNode(
    context,
    'inbox',
    [main, '--or-any-port', `--dir=${join(context.dataDir, 'inbox')}`],
    env,
  );
  context.parts.add('inbox', inbox);
  const [, smtp, http] = await inbox.waitForLine(
    /^inbox ready smtp:.*:(\d+) http:.*:(\d+)$/,
    INBOX_TIMEOUT_MS,
  );
  context.progress('inbox', `SMTP on 127.0.0.1:${smtp}`, startedAt);
  return { inboxSmtp: Number(smtp), inboxHttp: Number(http) };
};

const watchFlags = (context: ServiceContext): string[] =>
  context.watch ? ['--watch', '--watch-preserve-output'] : [];

/** Starts the API or the worker and waits until it says that it is ready. */
export const startService = async (
  context: ServiceContext,
  name: 'api' | 'worker',
  entry: string,
  host: string | undefined,
  port: number,
  env: Environment,
): Promise<void> => {
  const startedAt = performance.now();
  const service = await startNode(context, name, [...watchFlags(context), entry], env);
  context.parts.add(name, service);
  const logFile = join(context.logDir, `${name}.log`);
  try {
    await whenReady(name, readyUrl(host, port), logFile, context.signal);
  } catch (error) {
    // While watching, the next saved file may be the repair.
    if (!context.watch || !(error instanceof StackError)) throw error;
    context.print(error.message);
    return;
  }
  context.progress(name, `on port ${port}`, startedAt);
};
