import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('./fixtures/passing.ts', import.meta.url));

const run = (nth: number, ...passages: readonly string[]) => {
  const { signal, status, stdout, stderr } = spawnSync(
    process.execPath,
    [script, JSON.stringify({ name: 'here', nth }), ...passages],
    { encoding: 'utf8', timeout: 15_000 },
  );
  return { signal, status, stdout, stderr };
};

test('a process is gone at the nth passage of its point, and says so in one line', () => {
  expect(run(2, 'here', 'elsewhere', 'here')).toEqual({
    signal: 'SIGKILL',
    status: null,
    stdout: '',
    stderr: '{"msg":"failpoint.reached","name":"here","nth":2}\n',
  });
});

test('who came before waits at the point, and every other point is passed', () => {
  expect(run(2, 'here', 'elsewhere', 'elsewhere')).toEqual({
    signal: null,
    status: 0,
    stdout: 'back from elsewhere\nback from elsewhere\nstill there\nleft in order\n',
    stderr: '',
  });
});
