import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

const script = fileURLToPath(new URL('./fixtures/stoppable.ts', import.meta.url));
const children: ChildProcessWithoutNullStreams[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when the process has written this line. */
  said(message: string): Promise<void>;
  /**
   * What it wrote until its end, and its exit code. A set: the line that is being written when the
   * process leaves may come out behind the last one.
   */
  ended(): Promise<{ readonly code: number | null; readonly messages: ReadonlySet<string> }>;
}

const start = async (how: string, timeoutSeconds = 10): Promise<Started> => {
  const child = spawn(process.execPath, [script, how, String(timeoutSeconds)]);
  children.push(child);
  const messages: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => messages.push((JSON.parse(line) as { msg: string }).msg));
  const closed = once(child, 'close');
  const said = (message: string): Promise<void> =>
    expect.poll(() => messages, { timeout: 10_000, interval: 10 }).toContain(message);
  await said('ready');
  return {
    child,
    said,
    ended: async () => {
      const [code] = (await closed) as [number | null];
      return { code, messages: new Set(messages) };
    },
  };
};

describe('a process that is told to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('by %s stops once and leaves with 0', async (signal) => {
    const { child, ended } = await start('quickly');
    child.kill(signal);
    expect(await ended()).toEqual({
      code: 0,
      messages: new Set(['ready', 'process.stopping', 'process.stopped']),
    });
  });

  test('and hangs leaves with 1 when its time is over', async () => {
    const { child, ended } = await start('never', 0);
    const startMs = performance.now();
    child.kill('SIGTERM');
    expect(await ended()).toEqual({
      code: 1,
      messages: new Set(['ready', 'process.stopping', 'process.stop_timed_out']),
    });
    // Its own time, none here, and the grace of less than five seconds that every process has.
    expect(performance.now() - startMs).toBeLessThan(6000);
  });

  test('and fails to leaves with 1', async () => {
    const { child, ended } = await start('badly');
    child.kill('SIGTERM');
    expect(await ended()).toEqual({
      code: 1,
      messages: new Set(['ready', 'process.stopping', 'process.stop_failed']),
    });
  });

  test('a second time leaves at once with 1', async () => {
    const { child, said, ended } = await start('never');
    child.kill('SIGTERM');
    await said('process.stopping');
    child.kill('SIGINT');
    expect(await ended()).toEqual({
      code: 1,
      messages: new Set(['ready', 'process.stopping', 'process.killed']),
    });
  });
});

describe('a fault that nobody caught', () => {
  test.each([
    ['throws', 'process.uncaught_exception'],
    ['rejects', 'process.unhandled_rejection'],
  ])('(%s) is logged, stops the process and shows in its exit code', async (how, message) => {
    const { child, ended } = await start(how);
    child.stdin.write('go\n');
    expect(await ended()).toEqual({
      code: 1,
      messages: new Set(['ready', message, 'process.stopping', 'process.stopped']),
    });
  });
});
