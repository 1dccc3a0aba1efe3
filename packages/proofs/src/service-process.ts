import { join } from 'node:path';
import { describeExit, startProcess, type ProcessExit, type StartedProcess } from '@reconfirm/local-stack';
import { createHttpClient } from './http-client.ts';
import { waitUntil } from '@reconfirm/local-stack';

export interface ServiceProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it is gone, however that came about. */
  readonly exited: Promise<ProcessExit>;
  /** Where it answers: the API its callers, a worker its operator. */
  readonly port: number;
  tail(lineCount: number): string[];
  /** SIGTERM; resolves when the process is gone. Rejects when that takes longer than 25 s. */
  terminate(): Promise<ProcessExit & { readonly tookMs: number }>;
  /** SIGKILL, as an out-of-memory killer does it; resolves when the process is gone. */
  kill(): Promise<void>;
  /**
   * Resolves when the process has killed itself at this FAILPOINT. Rejects when it has not come there in
   * time, and when it ended in any other way.
   */
  diedAt(failPoint: string, timeoutMs?: number): Promise<void>;
  /** Ends the process if the test has not. Rejects when it ended by itself, or cannot stop in order. */
  finish(): Promise<void>;
}

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
const READY_TIMEOUT_MS = 20_000;
// A platform that sends SIGTERM kills 30 s later; 25 leave it a margin.
const STOP_TIMEOUT_MS = 25_000;
const POINT_TIMEOUT_MS = 30_000;

/** Starts an app by its entry file, with these settings and nothing else, and waits until it is ready. `logFile` gets all it prints. */
export const startService = async (
  name: string,
  entry: string,
  settings: Readonly<Record<string, string>>,
  port: number,
  logFile?: string,
): Promise<ServiceProcess> => {
  const child = await startProcess({
    name,
    command: process.execPath,
    args: [entry],
    cwd: REPOSITORY,
    env: { PATH: process.env['PATH'], ...settings },
    stopSteps: [{ signal: 'SIGKILL', timeoutMs: 2000 }],
    logFile,
  });
  try {
    // Its own word first: a port that answers could be another's.
    await child.waitForLine(/"msg":"(?:api|worker)\.started"/, READY_TIMEOUT_MS);
    await untilReady(child, port);
  } catch (error) {
    await child.stop();
    throw new Error(`${name} did not become ready. Its last lines:\n${child.tail(30).join('\n')}`, {
      cause: error,
    });
  }
  return controlled(child, port);
};

const untilReady = async (child: StartedProcess, port: number): Promise<void> => {
  using http = createHttpClient(port);
  const isReady = (): Promise<boolean> =>
    http.ask('GET', '/readyz').then(
      ({ status }) => status === 200,
      () => false,
    );
  await waitUntil(`${child.name} is ready`, isReady, READY_TIMEOUT_MS);
};

const controlled = (child: StartedProcess, port: number): ServiceProcess => {
  let isAsked = false;
  const finish = async (): Promise<void> => {
    if (isAsked) return;
    const gone = await Promise.race([child.exited, Promise.resolve(undefined)]);
    if (gone !== undefined) throw new Error(`${child.name} ended by itself with ${describeExit(gone)}`);
    try {
      const exit = await terminate(child);
      if (exit.code !== 0) throw new Error(`${child.name} ended with ${describeExit(exit)} after SIGTERM`);
    } finally {
      await child.stop();
    }
  };
  return {
    name: child.name,
    pid: child.pid,
    exited: child.exited,
    port,
    tail: child.tail,
    terminate: () => {
      isAsked = true;
      return terminate(child);
    },
    kill: () => {
      isAsked = true;
      return child.stop();
    },
    diedAt: async (failPoint, timeoutMs = POINT_TIMEOUT_MS) => {
      await deathAt(child, failPoint, timeoutMs);
      isAsked = true;
    },
    finish,
  };
};

const terminate = async (child: StartedProcess): Promise<ProcessExit & { tookMs: number }> => {
  const startedAt = performance.now();
  process.kill(child.pid, 'SIGTERM');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${child.name} runs on ${STOP_TIMEOUT_MS / 1000} s after SIGTERM`)),
      STOP_TIMEOUT_MS,
    );
  });
  try {
    return { ...(await Promise.race([child.exited, late])), tookMs: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
  }
};

const deathAt = async (child: StartedProcess, failPoint: string, timeoutMs: number): Promise<void> => {
  await waitUntil(`${child.name} comes to ${failPoint}`, child.hasExited, timeoutMs);
  const exit = await child.exited;
  const wasThere = child.tail(200).some((line) => line.includes(`"failpoint.reached","name":"${failPoint}"`));
  if (exit.signal !== 'SIGKILL' || !wasThere)
    throw new Error(`${child.name} ended with ${describeExit(exit)} and not at ${failPoint}`);
};
