import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '@reconfirm/local-stack';

export interface BenchProcess extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** CPU that the process has used so far; NaN where /proc is not there. */
  cpuMs(): number;
}

export interface BenchProcessOptions {
  readonly name: string;
  /** Relative to the repository. */
  readonly entry: string;
  readonly nodeArgs?: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
  /** Which of the settings names the port to listen on. */
  readonly portSetting: 'PORT' | 'OPS_PORT';
}

/** Whether processes can be kept to one core (util-linux). */
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** Leaves core 0 to what is measured: this process and all that it starts from now on run beside it. */
export const leaveFirstCore = (): void => {
  if (canPin)
    spawnSync('taskset', ['-a', '-p', '-c', `1-${availableParallelism() - 1}`, String(process.pid)]);
};

const repository = join(import.meta.dirname, '..', '..', '..');
const readyTimeoutMs = 20_000;
const stopTimeoutMs = 10_000;

/** Starts an entry file as a process of its own, its log thrown away, and waits until it is ready. */
export const startBenchProcess = async (options: BenchProcessOptions): Promise<BenchProcess> => {
  const port = await findFreePort();
  const command = [process.execPath, ...(options.nodeArgs ?? []), options.entry];
  const [program = process.execPath, ...args] = canPin ? ['taskset', '-c', '0', ...command] : command;
  const child = spawn(program, args, {
    cwd: repository,
    env: { PATH: process.env['PATH'], ...options.settings, [options.portSetting]: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(options.name, child, `${url}/readyz`);
  return { name: options.name, url, cpuMs: () => cpuMsOf(child), [Symbol.asyncDispose]: () => stop(child) };
};

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const untilReady = async (name: string, child: ChildProcess, url: string): Promise<void> => {
  const endMs = performance.now() + readyTimeoutMs;
  while (performance.now() < endMs && !hasEnded(child)) {
    const ready = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await delay(50);
  }
  await stop(child);
  throw new Error(`${name} did not become ready`);
};

const stop = async (child: ChildProcess): Promise<void> => {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
};

/** proc(5): utime and stime are the 14th and 15th field, in ticks of 10 ms. */
const cpuMsOf = (child: ChildProcess): number => {
  try {
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
};
