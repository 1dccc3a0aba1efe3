import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Environment } from '@reconfirm/core/config/config';

/** A command of the worker, by its file below src. */
const fileOf = (name: string): string => fileURLToPath(new URL(`../../src/${name}`, import.meta.url));

export interface MainProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

/** Starts the worker as an operator does: with flags and an environment of its own. */
export const runMain = (
  args: readonly string[],
  environment: Environment,
  name: 'main.ts' | 'preview/main.ts' = 'main.ts',
): MainProcess => {
  const child = spawn(process.execPath, [fileOf(name), ...args], {
    env: { PATH: '/usr/bin:/bin', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  return {
    child,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    exited,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};
