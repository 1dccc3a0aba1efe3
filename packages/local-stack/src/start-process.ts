import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, renameSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { reapOrphan, removePidFile, writePidFile } from './pid-file.ts';
import { killGroup, type StopStep } from './process-identity.ts';
import { StackError } from './stack-error.ts';

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null };

export type ProcessOptions = {
  /** What people call it: used in messages. */
  name: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  runAs?: { uid: number; gid: number } | undefined;
  /** Written to standard input, which is then closed. */
  input?: string;
  /** Everything it prints; the file of the run before is kept beside it as `.previous`. */
  logFile?: string | undefined;
  /** Each printed line as well. */
  onLine?: ((line: string) => void) | undefined;
  /** Notes the process here; one that an earlier run left in this file is ended first. */
  pidFile?: string | undefined;
  /** How it is asked to end, here and by the guard. SIGKILL to the group follows on its own. */
  stopSteps: readonly StopStep[];
};

export type StartedProcess = {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process is gone and its last output is read. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  hasExited(): boolean;
  /** The last printed lines, oldest first. */
  tail(lineCount: number): string[];
  /** Waits for a printed line. Throws StackError `process_died` or `not_ready`. */
  waitForLine(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray>;
  stop(): Promise<void>;
};

const TAIL_LINES = 200;
// A grandchild may hold the pipes open for ever; the last lines of the process itself are there long before.
const LAST_OUTPUT_MS = 300;

const GUARD = join(import.meta.dirname, 'end-with-parent.sh');

const startGuard = (pid: number, signal: NodeJS.Signals): ChildProcess | undefined => {
  if (process.platform === 'win32') return undefined;
  const guard = spawn('/bin/sh', [GUARD, String(pid), signal.slice(3)], {
    cwd: '/',
    // Where `sleep` is, whatever PATH this process was given.
    env: { PATH: '/usr/bin:/bin:/run/current-system/sw/bin' },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell the pid file alone has to do.
  guard.on('error', () => undefined);
  guard.stdin?.on('error', () => undefined);
  guard.unref();
  return guard;
};

const openLog = (path: string): WriteStream => {
  if (existsSync(path)) renameSync(path, `${path}.previous`);
  return createWriteStream(path, { mode: 0o600 });
};

type Output = { lines: string[]; listeners: Set<(line: string) => void> };

const readOutput = (streams: readonly (Readable | null)[], log: WriteStream | undefined): Output => {
  const output: Output = { lines: [], listeners: new Set() };
  for (const stream of streams) {
    if (stream === null) continue;
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      output.lines.push(line);
      if (output.lines.length > TAIL_LINES) output.lines.shift();
      log?.write(`${line}\n`);
      for (const listener of output.listeners) listener(line);
    });
  }
  return output;
};

const whenExited = (child: ChildProcess): Promise<ProcessExit> =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      // A watcher that ends may leave the process it watched; the group goes with its leader.
      if (child.pid !== undefined) killGroup(child.pid);
      const timer = setTimeout(() => resolve({ code, signal }), LAST_OUTPUT_MS);
      child.once('close', () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });

/**
 * Starts a process that cannot outlive this one: it leads its own group, so that a Ctrl-C in the terminal
 * reaches it only through `stop`, and a guard ends it when this process dies without having stopped it.
 */
export const startProcess = async (options: ProcessOptions): Promise<StartedProcess> => {
  if (options.pidFile !== undefined) await reapOrphan(options.pidFile, options.stopSteps);
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: process.platform !== 'win32',
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...options.runAs,
  });
  const exited = whenExited(child);
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new StackError('missing_tool', `${options.name} could not be started: ${messageOf(cause)}.`, {
      cause,
    });
  }
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.name} has no process id`);
  const guard = startGuard(pid, options.stopSteps[0]?.signal ?? 'SIGTERM');
  if (options.pidFile !== undefined) writePidFile(options.pidFile, pid);
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input);
  const log = options.logFile === undefined ? undefined : openLog(options.logFile);
  const output = readOutput([child.stdout, child.stderr], log);
  if (options.onLine !== undefined) output.listeners.add(options.onLine);

  const cleanedUp = exited.then((exit) => {
    guard?.kill('SIGKILL');
    if (options.pidFile !== undefined) removePidFile(options.pidFile);
    child.stdout?.destroy();
    child.stderr?.destroy();
    log?.end();
    return exit;
  });
  return {
    name: options.name,
    pid,
    exited: cleanedUp,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    tail: (lineCount) => output.lines.slice(-lineCount),
    waitForLine: (pattern, timeoutMs) => waitForLine(options.name, output, cleanedUp, pattern, timeoutMs),
    stop: () => stopChild(child, pid, cleanedUp, options.stopSteps),
  };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const waitForLine = async (
  name: string,
  output: Output,
  exited: Promise<ProcessExit>,
  pattern: RegExp,
  timeoutMs: number,
): Promise<RegExpMatchArray> => {
  const seen = output.lines.map((line) => line.match(pattern)).find((match) => match !== null);
  if (seen !== undefined && seen !== null) return seen;
  const { promise, resolve, reject } = Promise.withResolvers<RegExpMatchArray>();
  const listener = (line: string): void => {
    const match = line.match(pattern);
    if (match !== null) resolve(match);
  };
  output.listeners.add(listener);
  const seconds = timeoutMs / 1000;
  const timer = setTimeout(
    () => reject(new StackError('not_ready', `${name} was not ready within ${seconds} s.`)),
    timeoutMs,
  );
  void exited.then((exit) =>
    reject(new StackError('process_died', `${name} ended at its start (${describeExit(exit)}).`)),
  );
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    output.listeners.delete(listener);
  }
};

/** `code 1` or `signal SIGKILL`. */
export const describeExit = ({ code, signal }: ProcessExit): string =>
  signal === null ? `code ${code ?? 'unknown'}` : `signal ${signal}`;

const stopChild = async (
  child: ChildProcess,
  pid: number,
  exited: Promise<ProcessExit>,
  steps: readonly StopStep[],
): Promise<void> => {
  for (const { signal, timeoutMs } of steps) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    child.kill(signal);
    if (await settlesWithin(exited, timeoutMs)) break;
  }
  if (child.exitCode === null && child.signalCode === null) {
    killGroup(pid);
    child.kill('SIGKILL');
  }
  await exited;
};

const settlesWithin = async (promise: Promise<unknown>, timeoutMs: number): Promise<boolean> => {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
};
