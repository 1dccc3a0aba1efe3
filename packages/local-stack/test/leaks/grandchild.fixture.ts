import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

test('leaves a process that its child has started', async () => {
  // Ends by itself after the check has seen it.
  const child = spawn('/bin/sh', ['-c', 'sleep 20 &'], { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'exit');
  expect(child.exitCode).toBe(0);
});
