import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';

test('leaves a process running', () => {
  // Ends by itself after the check has seen it.
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => undefined, 10_000)'], { stdio: 'ignore' });
  expect(child.pid).toBeGreaterThan(0);
});
