import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort } from './free-port.ts';
import { StackError } from './stack-error.ts';
import { startProcess, type ProcessExit } from './start-process.ts';

const run = promisify(execFile);

// BullMQ 6 uses commands and script features from 6.2 on.
const OLDEST: readonly [number, number] = [6, 2];
const READY_TIMEOUT_MS = 10_000;

/**
 * The path of a redis-server or valkey-server, 6.2 or newer: REDIS_SERVER_BIN, or the first on PATH, or
 * undefined. Throws StackError `missing_tool` when REDIS_SERVER_BIN names something else.
 */
export const findRedisServer = async (
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> => {
  const named = env.REDIS_SERVER_BIN;
  if (named !== undefined && named !== '') {
    if (await isRecentRedis(named)) return named;
    throw new StackError(
      'missing_tool',
      `REDIS_SERVER_BIN is ${named}, which is no Redis or Valkey server of version ${OLDEST.join('.')} or newer: correct it or unset it.`,
    );
  }
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    // A relative entry would make the answer depend on the current folder.
    if (!isAbsolute(folder)) continue;
    for (const name of ['redis-server', 'valkey-server']) {
      const path = join(folder, name);
      if (isExecutable(path) && (await isRecentRedis(path))) return path;
    }
  }
  return undefined;
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const isRecentRedis = async (path: string): Promise<boolean> => {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 5000 });
    const [, major, minor] = /(?:Redis|Valkey) server v=(\d+)\.(\d+)/.exec(stdout) ?? [];
    if (major === undefined || minor === undefined) return false;
    return Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
  } catch {
    return false;
  }
};

export type RedisOptions = {
  binary: string;
  port?: number;
  /** So that a server which comes back has the URL it had; made up unless it is given. */
  password?: string;
  /** Directives of redis.conf, over those of this file: `maxmemory`, `replicaof`, `cluster-enabled`. */
  settings?: Readonly<Record<string, string>>;
  /** Where its pid file is, and what `settings` name. No data is read there, and none is left. */
  dataDir?: string;
  logFile?: string;
};

export type RunningRedis = {
  readonly url: string;
  readonly port: number;
  readonly password: string;
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  tail(lineCount: number): string[];
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Starts a private server on 127.0.0.1, behind a password, that keeps everything in memory: what must last
 * is in Postgres. Throws StackError `process_died`, `port_busy` or `not_ready`.
 */
export const startRedis = async (options: RedisOptions): Promise<RunningRedis> => {
  const port = options.port ?? (await findFreePort());
  const password = options.password ?? randomBytes(16).toString('hex');
  if (options.dataDir !== undefined) mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const server = await startProcess({
    name: 'Redis',
    command: options.binary,
    // By standard input, because everybody on the machine can read a command line.
    args: ['-'],
    input: configuration(port, password, options),
    cwd: '/',
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    logFile: options.logFile,
    ...(options.dataDir !== undefined && { pidFile: join(options.dataDir, 'redis.pid') }),
    stopSteps: [{ signal: 'SIGTERM', timeoutMs: 2000 }],
  });
  try {
    await server.waitForLine(/Ready to accept connections/i, READY_TIMEOUT_MS);
  } catch (error) {
    await server.stop();
    throw /Address already in use/i.test(server.tail(20).join('\n'))
      ? new StackError('port_busy', `Port ${port} is in use: name another one for Redis, or none.`, {
          cause: error,
        })
      : error;
  }
  return {
    url: `redis://:${password}@127.0.0.1:${port}/0`,
    port,
    password,
    pid: server.pid,
    exited: server.exited,
    tail: server.tail,
    stop: server.stop,
    [Symbol.asyncDispose]: server.stop,
  };
};

// A queue must refuse to grow rather than evict (BullMQ's guide, "maxmemory-policy"). A server reads the file of
// `dbfilename` at its start, whoever left it there, and a replica writes its first copy to it: a name that nobody
// else uses, and nothing is left of it.
const configuration = (port: number, password: string, { dataDir, settings }: RedisOptions): string => `
bind 127.0.0.1
port ${port}
requirepass ${password}
masterauth ${password}
dir "${dataDir ?? tmpdir()}"
daemonize no
logfile ""
save ""
appendonly no
dbfilename ${randomBytes(8).toString('hex')}.rdb
rdb-del-sync-files yes
maxmemory-policy noeviction
${Object.entries(settings ?? {})
  .map(([name, value]) => `${name} ${value}`)
  .join('\n')}
`;
