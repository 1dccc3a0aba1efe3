import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort, startProcess } from '@reconfirm/local-stack';

const run = promisify(execFile);

export interface RunningBuild extends AsyncDisposable {
  /** A superuser's connection to the maintenance database. */
  readonly url: string;
  /** As the server says it itself. */
  readonly version: string;
}

/** Postgres refuses root; this one owns nothing anywhere. */
const UNPRIVILEGED = { uid: 65534, gid: 65534 };
const INITDB_TIMEOUT_MS = 120_000;
const READY_TIMEOUT_MS = 120_000;

/** Starts a new, empty cluster of this build, that gives up safety for speed as the clusters of tests do. */
export const startBuild = async (binaries: string): Promise<RunningBuild> => {
  await using opened = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'reconfirm-matrix-'));
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  const password = randomBytes(16).toString('hex');
  const [cluster, passwordFile] = [join(dir, 'cluster'), join(dir, 'password')];
  await mkdir(cluster, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  const runAs = process.getuid?.() === 0 ? UNPRIVILEGED : undefined;
  if (runAs !== undefined)
    for (const path of [dir, cluster, passwordFile]) chownSync(path, runAs.uid, runAs.gid);
  const env = { LC_ALL: 'C', PATH: '/usr/bin:/bin' };
  await run(
    join(binaries, 'initdb'),
    [
      `--pgdata=${cluster}`,
      `--pwfile=${passwordFile}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { cwd: '/', env, timeout: INITDB_TIMEOUT_MS, ...runAs },
  );
  const port = await findFreePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  };
  const server = await startProcess({
    name: 'Postgres',
    command: join(binaries, 'postgres'),
    args: ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: '/',
    env,
    runAs,
    stopSteps: [{ signal: 'SIGINT', timeoutMs: 10_000 }],
  });
  opened.defer(() => server.stop());
  await server.waitForLine(/database system is ready to accept connections/, READY_TIMEOUT_MS);
  const { stdout } = await run(join(binaries, 'postgres'), ['--version'], { timeout: 30_000 });
  const stack = opened.move();
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    version: /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
