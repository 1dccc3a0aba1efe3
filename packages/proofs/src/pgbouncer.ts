import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, chownSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findFreePort, startProcess } from '@reconfirm/local-stack';

export interface RunningPgbouncer extends AsyncDisposable {
  /** The database's URL, by way of the pooler. */
  readonly url: string;
  readonly version: string;
}

// Debian puts it where an ordinary user's PATH does not lead.
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
const READY_TIMEOUT_MS = 10_000;
/** It refuses to run as root; this one owns nothing anywhere. */
const UNPRIVILEGED = { uid: 65534, gid: 65534 };

/** The path of a `pgbouncer`, or undefined. */
export const findPgbouncer = (): string | undefined =>
  FOLDERS.map((folder) => join(folder, 'pgbouncer')).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/**
 * Starts a pooler in transaction mode in front of one database. Two connections to the server serve all
 * clients, so that consecutive transactions of one client really meet different ones.
 */
export const startPgbouncer = async (binary: string, databaseUrl: string): Promise<RunningPgbouncer> => {
  const target = new URL(databaseUrl);
  const database = target.pathname.slice(1);
  const user = decodeURIComponent(target.username);
  const password = decodeURIComponent(target.password);
  const port = await findFreePort();
  const dir = await mkdtemp(join(tmpdir(), 'reconfirm-pgbouncer-'));
  const files = {
    'users.txt': `"${user}" "${password}"\n`,
    'pgbouncer.ini': [
      '[databases]',
      `${database} = host=${target.hostname} port=${target.port} dbname=${database}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = plain',
      `auth_file = ${join(dir, 'users.txt')}`,
      'pool_mode = transaction',
      'default_pool_size = 2',
      'max_client_conn = 200',
      '',
    ].join('\n'),
  };
  const runAs = process.getuid?.() === 0 ? UNPRIVILEGED : undefined;
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    await writeFile(path, content, { mode: 0o600 });
    if (runAs !== undefined) chownSync(path, runAs.uid, runAs.gid);
  }
  if (runAs !== undefined) chmodSync(dir, 0o711);
  const child = await startProcess({
    name: 'PgBouncer',
    command: binary,
    args: [join(dir, 'pgbouncer.ini')],
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    runAs,
    stopSteps: [{ signal: 'SIGINT', timeoutMs: 3000 }],
  });
  await child.waitForLine(/process up|listening on 127\.0\.0\.1/, READY_TIMEOUT_MS);
  target.port = String(port);
  target.hostname = '127.0.0.1';
  return {
    url: target.href,
    version: /[\d.]+/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown',
    [Symbol.asyncDispose]: async () => {
      await child.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
};
