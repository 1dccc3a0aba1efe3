import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { OpenedStores } from './test-stores-sources.ts';
import { StackError } from './stack-error.ts';

/** The stores of one test run, as plain data: vitest hands it to every test file. */
export type TestStores = {
  runId: string;
  source: OpenedStores['source'];
  /** A superuser's connection to the maintenance database: for creating and dropping databases. */
  adminUrl: string;
  /** Migrated and empty; test databases are copies of it. */
  templateDatabase: string;
  /** Null in Postgres mode. */
  redisUrl: string | null;
};

declare module 'vitest' {
  // Merging with this interface is how vitest types what a global set-up provides.
  interface ProvidedContext {
    stores: TestStores;
  }
}

export type TestStoresReport = { stores: TestStores } | { problem: string };

export type RunningTestStores = {
  readonly stores: TestStores;
  /** Ends the stores. Returns when no process and no container of them is left. */
  stop(): Promise<void>;
};

// Pulling two images is the slowest way in.
const START_TIMEOUT_MS = 420_000;
const STOP_TIMEOUT_MS = 30_000;

const STORES_PROCESS = fileURLToPath(new URL('./test-stores-process.ts', import.meta.url));

/**
 * Starts the stores of a test run in a process of their own, which ends them however this process ends.
 * Prints one line that says what was taken. Throws StackError with a sentence that says what to do.
 */
export const startTestStores = async (env: NodeJS.ProcessEnv): Promise<RunningTestStores> => {
  const child = spawn(process.execPath, [STORES_PROCESS], {
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'exit');
  const answer = await readReport(child).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  if ('problem' in answer) {
    await exited;
    throw new StackError('not_ready', answer.problem);
  }
  return { stores: answer.stores, stop: () => stopProcess(child, exited) };
};

const readReport = async (child: ChildProcess): Promise<TestStoresReport> => {
  const { stdout } = child;
  if (stdout === null) throw new Error('The stores process has no standard output');
  const lines = createInterface({ input: stdout });
  const late = AbortSignal.timeout(START_TIMEOUT_MS);
  const line = once(lines, 'line', { signal: late });
  const closed = once(lines, 'close', { signal: late }).then((): never => {
    throw new StackError('process_died', 'The process that owns the test stores ended at its start.');
  });
  const [text] = await Promise.race([line, closed]);
  closed.catch(() => undefined);
  return JSON.parse(String(text)) as TestStoresReport;
};

const stopProcess = async (child: ChildProcess, exited: Promise<unknown>): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.stdin?.end();
  await exited;
  clearTimeout(timer);
  if (child.exitCode !== 0) throw new Error('The test stores did not stop cleanly; see the lines above.');
};
