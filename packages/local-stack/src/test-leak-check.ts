// A vitest setup file: runs in every test file before its tests, and registers the hook that runs last.
import { subscribe } from 'node:diagnostics_channel';
import type { ChildProcess } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import { dropRemainingDatabases } from './test-database.ts';
import { killProcess, processesHoldingOutput } from './test-leaked-processes.ts';

// What keeps a process from ending. Immediates, file requests and the like pass by themselves.
const LASTING = new Set([
  'TCPSocketWrap',
  'TCPServerWrap',
  'PipeWrap',
  'PipeServerWrap',
  'ProcessWrap',
  'UDPWrap',
  'TLSWrap',
  'Timeout',
]);
const GRACE_MS = 2000;

type Opened = { describe: () => string | undefined };
const opened: Opened[] = [];
const children: ChildProcess[] = [];

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

const callerOf = (stack: string | undefined): string =>
  stack
    ?.split('\n')
    .slice(1)
    .find((line) => !/node:|node_modules|test-leak-check/.test(line))
    ?.trim() ?? 'by a library';

const watchOpened = (): void => {
  subscribe('net.client.socket', (message) => {
    const { socket } = message as { socket: Socket };
    const caller = callerOf(new Error().stack);
    opened.push({
      describe: () =>
        socket.destroyed
          ? undefined
          : `socket to ${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'} opened ${caller}`,
    });
  });
  subscribe('tracing:net.server.listen:asyncEnd', (message) => {
    const { server } = message as { server: Server };
    opened.push({
      describe: () => (server.listening ? `server on ${JSON.stringify(server.address())}` : undefined),
    });
  });
  subscribe('child_process', (message) => {
    const child = (message as { process: ChildProcess }).process;
    const caller = callerOf(new Error().stack);
    children.push(child);
    opened.push({
      describe: () =>
        isRunning(child)
          ? `process ${child.pid ?? '?'} (${child.spawnargs.join(' ')}) started ${caller}`
          : undefined,
    });
  });
};

const countLasting = (): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (LASTING.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
};

const growth = (before: ReadonlyMap<string, number>): string[] => {
  const handles = [...countLasting()].flatMap(([kind, count]) => {
    const more = count - (before.get(kind) ?? 0);
    return more > 0 ? [`${more} ${kind}`] : [];
  });
  const processes = processesHoldingOutput().map(
    ({ pid, command }) => `process ${pid} (${command}) holds the output`,
  );
  return [...handles, ...processes];
};

/** Waits until nothing more is open than before the file's tests; resolves to what still is after the grace. */
const growthAfterGrace = async (before: ReadonlyMap<string, number>): Promise<string[]> => {
  const deadlineAt = performance.now() + GRACE_MS;
  for (;;) {
    const found = growth(before);
    if (found.length === 0 || performance.now() > deadlineAt) return found;
    // Not a ref'ed timer: it would count itself.
    await new Promise((resolve) => {
      setTimeout(resolve, 20).unref();
      setImmediate(() => undefined);
    });
  }
};

watchOpened();
let before: ReadonlyMap<string, number> = new Map();
beforeAll(() => {
  const counts = countLasting();
  // Vitest's own timers pass within a tenth of a second, so each that stays belongs to the file.
  counts.delete('Timeout');
  before = counts;
});
// Hooks that end a file run in the reverse order of their registration, so this one is last.
afterAll(async () => {
  const databases = await dropRemainingDatabases();
  const handles = await growthAfterGrace(before);
  const details = handles.length === 0 ? [] : opened.flatMap(({ describe }) => describe() ?? []);
  const problems = [...databases, ...handles, ...details];
  // So that what this file forgot holds up neither the other files nor the end of the run.
  for (const child of children) if (isRunning(child)) child.kill('SIGKILL');
  for (const { pid } of processesHoldingOutput()) killProcess(pid);
  if (problems.length > 0) throw new Error(`This file left something open:\n  ${problems.join('\n  ')}`);
}, 30_000);
