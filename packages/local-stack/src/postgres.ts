import { randomBytes } from 'node:crypto';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from './free-port.ts';
import { locatePostgres, postgresUser, type PostgresBinaries, type RunAs } from './postgres-binaries.ts';
import {
  brokenData,
  clusterPath,
  ensureCluster,
  ensureDataDir,
  readPostmaster,
  stopOrphanedPostmaster,
} from './postgres-cluster.ts';
import type { StopStep } from './process-identity.ts';
import { isNotFound, StackError, systemErrorCode } from './stack-error.ts';
import { startProcess, type ProcessExit, type StartedProcess } from './start-process.ts';

export type PostgresOptions = {
  /** Holds the cluster, its password and its port; made when missing. */
  dataDir: string;
  /** Without one: the port of the last time if it is free, else any. */
  port?: number;
  /** False trades crash safety for speed, for data that nobody will miss. */
  durable: boolean;
  logFile?: string;
  /** For an orderly stop, before the connections are cut off. Default 10,000. */
  stopTimeoutMs?: number;
  /** Gives up the start; what was started by then is stopped. */
  signal?: AbortSignal;
};

export type RunningPostgres = {
  readonly port: number;
  readonly version: string;
  /** Where its files really are: outside the data folder when Postgres could not reach them there. */
  readonly clusterDir: string;
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  /** A connection string with the superuser's password. The database need not exist. */
  url(databaseName: string): string;
  tail(lineCount: number): string[];
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

// Crash recovery after a kill can take a while on a slow disk.
const READY_TIMEOUT_MS = 60_000;
const PORT_TRIES = 3;
// The backends of a server that was killed see it within a second, and only then let go of its memory.
const RELEASE_TIMEOUT_MS = 10_000;

/**
 * Starts the embedded Postgres on 127.0.0.1 only. A server that an earlier run left on the same data is
 * stopped first. Throws StackError: `broken_data`, `port_busy`, `unsupported_platform`, `cannot_write`.
 */
export const startPostgres = async (options: PostgresOptions): Promise<RunningPostgres> => {
  ensureDataDir(options.dataDir);
  const dataDir = realpathSync(options.dataDir);
  const user = postgresUser(clusterPath(dataDir));
  const binaries = locatePostgres(user);
  const stopSteps: StopStep[] = [
    // Fast shutdown rolls back and disconnects; immediate shutdown leaves recovery to the next start.
    { signal: 'SIGINT', timeoutMs: options.stopTimeoutMs ?? 10_000 },
    { signal: 'SIGQUIT', timeoutMs: 2000 },
  ];
  const settings = readSettings(dataDir);
  const cluster = await ensureCluster(dataDir, binaries, user, settings.password, options.signal);
  await stopOrphanedPostmaster(cluster, stopSteps);

  const { server, port } = await startOnSomePort(options, settings.port, {
    dataDir,
    cluster,
    binaries,
    user,
    stopSteps,
  });
  writeSettings(dataDir, { ...settings, port });
  return {
    port,
    version: binaries.version,
    clusterDir: cluster,
    pid: server.pid,
    exited: server.exited,
    url: (databaseName) =>
      `postgres://postgres:${settings.password}@127.0.0.1:${port}/${encodeURIComponent(databaseName)}`,
    tail: server.tail,
    stop: server.stop,
    [Symbol.asyncDispose]: server.stop,
  };
};

type Settings = { password: string; port?: number };

const readSettings = (dataDir: string): Settings => {
  let text: string;
  try {
    text = readFileSync(join(dataDir, 'settings.json'), 'utf8');
  } catch (cause) {
    if (!isNotFound(cause)) throw brokenData(dataDir, 'its settings cannot be read', { cause });
    return newSettings(dataDir);
  }
  try {
    const { password, port } = JSON.parse(text) as Record<string, unknown>;
    if (typeof password === 'string' && /^[0-9a-f]{32}$/.test(password)) {
      return { password, ...(typeof port === 'number' && { port }) };
    }
  } catch {
    // Falls through to the same sentence.
  }
  throw brokenData(dataDir, 'its settings are damaged');
};

const newSettings = (dataDir: string): Settings => {
  try {
    readFileSync(join(clusterPath(dataDir), 'PG_VERSION'));
  } catch (error) {
    if (!isNotFound(error) && systemErrorCode(error) !== 'EACCES')
      throw brokenData(dataDir, 'it cannot be read', { cause: error });
    const settings = { password: randomBytes(16).toString('hex') };
    writeSettings(dataDir, settings);
    return settings;
  }
  throw brokenData(dataDir, 'its settings, with the password, are missing');
};

const writeSettings = (dataDir: string, settings: Settings): void => {
  writeFileSync(join(dataDir, 'settings.json'), JSON.stringify(settings), { mode: 0o600 });
};

type Place = {
  dataDir: string;
  cluster: string;
  binaries: PostgresBinaries;
  user: RunAs | undefined;
  stopSteps: readonly StopStep[];
};

const startOnSomePort = async (
  options: PostgresOptions,
  rememberedPort: number | undefined,
  place: Place,
): Promise<{ server: StartedProcess; port: number }> => {
  const releasedBy = performance.now() + RELEASE_TIMEOUT_MS;
  for (let tries = 0; ;) {
    const preferred = tries === 0 && rememberedPort !== undefined ? [rememberedPort] : [];
    const port = options.port ?? (await findFreePort(...preferred));
    const server = await startProcess({
      name: 'Postgres',
      command: place.binaries.postgres,
      args: serverArguments(place.cluster, port, options.durable),
      // A folder that every user may enter: Postgres asks for the one that it is in.
      cwd: '/',
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      runAs: place.user,
      logFile: options.logFile,
      stopSteps: place.stopSteps,
    });
    const result = await whenReady(server, place, options.signal);
    if (result === 'ready') return { server, port };
    if (result === 'in_use') {
      if (performance.now() > releasedBy) throw brokenData(place.dataDir, 'another Postgres uses it');
      await delay(200);
      await stopOrphanedPostmaster(place.cluster, place.stopSteps);
      continue;
    }
    tries += 1;
    if (options.port !== undefined) {
      throw new StackError('port_busy', `Port ${port} is in use: name another one for Postgres, or none.`);
    }
    if (tries === PORT_TRIES)
      throw new StackError('port_busy', `Postgres found no free port on 127.0.0.1 in ${tries} tries.`);
  }
};

const serverArguments = (cluster: string, port: number, durable: boolean): string[] => {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(!durable && {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      autovacuum_naptime: '10s',
    }),
  };
  return ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
};

type Hindrance = 'port_busy' | 'in_use';

const whenReady = async (
  server: StartedProcess,
  { dataDir, cluster }: Place,
  signal: AbortSignal | undefined,
): Promise<'ready' | Hindrance> => {
  const deadlineAt = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadlineAt) {
    const postmaster = readPostmaster(cluster);
    if (postmaster?.pid === server.pid && postmaster.ready) return 'ready';
    if (server.hasExited()) {
      // Its reason may be printed but not yet read.
      await server.exited;
      return explainExit(server, dataDir);
    }
    if (signal?.aborted === true) {
      await server.stop();
      signal.throwIfAborted();
    }
    await delay(10);
  }
  await server.stop();
  throw new StackError(
    'not_ready',
    `Postgres was not ready within ${READY_TIMEOUT_MS / 1000} s: look into its log and start again.`,
  );
};

const explainExit = (server: StartedProcess, dataDir: string): Hindrance => {
  const output = server.tail(50).join('\n');
  if (/Address already in use|could not create any TCP\/IP sockets/.test(output)) return 'port_busy';
  if (/pre-existing shared memory block|lock file "postmaster\.pid" already exists/.test(output))
    return 'in_use';
  if (/No space left/.test(output)) {
    throw new StackError(
      'cannot_write',
      `The disk that holds ${dataDir} is full: free some space and start again.`,
    );
  }
  const reason = /(?:FATAL|PANIC): +(.*)/.exec(output)?.[1] ?? server.tail(1)[0] ?? 'it gave no reason';
  throw brokenData(dataDir, reason.trim().replace(/^but /, ''));
};
