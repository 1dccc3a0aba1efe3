import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A child that is asked one thing at a time. */
export interface Child extends AsyncDisposable {
  /** Sends a message when there is one, and resolves with the next answer. Throws when the child ends. */
  ask<T>(message?: object): Promise<T>;
}

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Starts a file of this folder as a process that talks over IPC. */
export const startChild = (file: string): Child => {
  const child = fork(pathOf(file), { env: { PATH: '/usr/bin:/bin' } });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${file} ended`)));
  ended.catch(() => {});
  return {
    ask: async <T>(message?: object): Promise<T> => {
      const answer = once(child, 'message');
      if (message !== undefined) child.send(message);
      const [value] = await Promise.race([answer, ended]);
      return value as T;
    },
    [Symbol.asyncDispose]: () => endProcess(child, 'SIGKILL'),
  };
};

export interface WorkerProcess extends AsyncDisposable {
  /** Processor time since its start. */
  readCpuMs(): Promise<number>;
}

/** Starts the real worker with these settings; its log goes nowhere. Resolves when it is ready. */
export const startWorkerProcess = async (
  environment: Readonly<Record<string, string>>,
): Promise<WorkerProcess> => {
  const child = fork(pathOf('../src/main.ts'), {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ops = `http://127.0.0.1:${environment['OPS_PORT']}`;
  const endMs = performance.now() + 15_000;
  for (;;) {
    if (
      await fetch(`${ops}/readyz`).then(
        (response) => response.ok,
        () => false,
      )
    )
      break;
    if (performance.now() > endMs || child.exitCode !== null) throw new Error('the worker did not get ready');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    readCpuMs: async () => {
      const text = await (await fetch(`${ops}/metrics`)).text();
      return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) * 1000;
    },
    [Symbol.asyncDispose]: () => endProcess(child, 'SIGTERM'),
  };
};

const endProcess = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
};
