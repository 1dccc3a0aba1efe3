import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { clusterElsewhere, isReachable, type PostgresBinaries, type RunAs } from './postgres-binaries.ts';
import { endForeignProcess, processIdentity, readProcess, type StopStep } from './process-identity.ts';
import { isNotFound, StackError, systemErrorCode } from './stack-error.ts';

const run = promisify(execFile);

// 0.7 s on an idle machine; a loaded one with a slow disk needs tens of seconds.
const INITDB_TIMEOUT_MS = 120_000;

export const brokenData = (dataDir: string, reason: string, options?: ErrorOptions): StackError =>
  new StackError(
    'broken_data',
    `Postgres cannot use its data in ${dataDir} (${reason}): run \`npm start -- --fresh\` to delete it and begin anew.`,
    options,
  );

/** The folder that Postgres itself calls its data directory; it may not exist yet. */
export const clusterPath = (dataDir: string): string => join(dataDir, 'cluster');

/**
 * Makes sure that a complete cluster exists and returns its real path. Initialisation happens beside the
 * final name, so that one cut short is never taken for a cluster. Throws `broken_data`.
 */
export const ensureCluster = async (
  dataDir: string,
  binaries: PostgresBinaries,
  user: RunAs | undefined,
  password: string,
  signal: AbortSignal | undefined,
): Promise<string> => {
  const path = clusterPath(dataDir);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    return checkedCluster(dataDir, path, binaries);
  if (user === undefined || isReachable(dataDir, user)) {
    await initialise(path, binaries, user, password, signal);
    return path;
  }
  const elsewhere = clusterElsewhere(dataDir);
  // Only a data folder that was deleted by hand leaves one there; nothing knows its password.
  rmSync(elsewhere, { recursive: true, force: true });
  await initialise(elsewhere, binaries, user, password, signal);
  symlinkSync(elsewhere, path);
  return elsewhere;
};

const checkedCluster = (dataDir: string, path: string, binaries: PostgresBinaries): string => {
  let version: string;
  try {
    version = readFileSync(join(path, 'PG_VERSION'), 'utf8').trim();
  } catch (cause) {
    if (systemErrorCode(cause) === 'EACCES') {
      throw new StackError(
        'cannot_write',
        `${dataDir} belongs to another user: run as that user, or delete the folder.`,
        {
          cause,
        },
      );
    }
    throw brokenData(dataDir, isNotFound(cause) ? 'it is not complete' : 'it cannot be read', { cause });
  }
  if (version !== binaries.majorVersion) {
    throw brokenData(dataDir, `it was made by Postgres ${version}, not ${binaries.majorVersion}`);
  }
  return realpathSync(path);
};

const initialise = async (
  path: string,
  binaries: PostgresBinaries,
  user: RunAs | undefined,
  password: string,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const unfinished = `${path}.new`;
  const passwordFile = `${path}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) {
    chownSync(unfinished, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  try {
    await run(binaries.initdb, initdbArguments(unfinished, passwordFile), {
      cwd: '/',
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      timeout: INITDB_TIMEOUT_MS,
      ...(signal !== undefined && { signal }),
      ...user,
    });
    renameSync(unfinished, path);
  } catch (cause) {
    rmSync(unfinished, { recursive: true, force: true });
    signal?.throwIfAborted();
    throw initialisationFailure(path, cause);
  } finally {
    rmSync(passwordFile, { force: true });
  }
};

// The built-in provider sorts the same on every operating system and needs no locale of it.
const initdbArguments = (pgdata: string, passwordFile: string): string[] => [
  `--pgdata=${pgdata}`,
  `--pwfile=${passwordFile}`,
  '--username=postgres',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-sync',
  '--no-instructions',
];

const initialisationFailure = (path: string, cause: unknown): StackError => {
  const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
  const code = systemErrorCode(cause);
  if (/No space left/i.test(stderr) || code === 'ENOSPC') {
    return new StackError(
      'cannot_write',
      `The disk that holds ${dirname(path)} is full: free some space and start again.`,
    );
  }
  if (code === 'EPERM') {
    return new StackError(
      'unsupported_platform',
      'Postgres refuses to run as root and this root may not become another user: run as an ordinary user or set DATABASE_URL.',
      { cause },
    );
  }
  // A binary whose loader is missing (musl in place of glibc) is reported by the kernel as not found.
  if (code === 'ENOENT' || /GLIBC|error while loading/i.test(stderr)) {
    return new StackError(
      'unsupported_platform',
      'The embedded Postgres needs a Linux with glibc 2.28 or newer, or macOS: set DATABASE_URL to a Postgres of your own.',
      { cause },
    );
  }
  const lastLine = stderr.split('\n').findLast((line) => line.includes('error')) ?? code ?? 'unknown reason';
  return new StackError(
    'broken_data',
    `Postgres could not create its data in ${path} (${lastLine.trim()}).`,
    { cause },
  );
};

export type Postmaster = { pid: number; ready: boolean };

/** What `postmaster.pid` says (its line 1 and, once known, 8), or undefined when there is no such file. */
export const readPostmaster = (cluster: string): Postmaster | undefined => {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), ready: lines[7]?.trim() === 'ready' };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};

/**
 * Whether a process of a server that was killed is still at work on the cluster: all of them live in it.
 * Elsewhere than on Linux nobody leaves zombies lying about, and the question does not come up.
 */
const hasStrayBackends = (cluster: string): boolean =>
  process.platform === 'linux' &&
  readdirSync('/proc').some((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/cwd`) === cluster;
    } catch {
      // It ended meanwhile, or belongs to somebody else and so is none of Postgres.
      return false;
    }
  });

/**
 * The server that still runs on this cluster, if any. A pid file whose number now belongs to some other
 * program, which is usual after a container restart, would stop Postgres from starting, and so would one
 * that names a zombie: it is removed.
 */
const orphanedPostmaster = (cluster: string): { pid: number; identity: string } | undefined => {
  const pid = readPostmaster(cluster)?.pid;
  if (pid === undefined) return undefined;
  const identity = pid > 1 ? processIdentity(pid) : undefined;
  const found = readProcess(pid);
  if (
    identity !== undefined &&
    found?.command.includes('postgres') === true &&
    found.command.includes(cluster)
  )
    return { pid, identity };
  // A number that nothing has is left to Postgres, which also looks for stray backends before it goes on.
  if (found !== undefined && !hasStrayBackends(cluster))
    rmSync(join(cluster, 'postmaster.pid'), { force: true });
  return undefined;
};

/** Stops the server that an earlier run left on this cluster, if any. */
export const stopOrphanedPostmaster = async (cluster: string, steps: readonly StopStep[]): Promise<void> => {
  const orphan = orphanedPostmaster(cluster);
  if (orphan === undefined) return;
  await endForeignProcess(orphan.pid, orphan.identity, steps);
  // One that had to be killed leaves its pid file.
  orphanedPostmaster(cluster);
};

/** Deletes a data folder and the cluster that it points to, ending a server that still runs on it. */
export const removePostgresData = async (dataDir: string): Promise<void> => {
  const path = clusterPath(dataDir);
  if (existsSync(path))
    await stopOrphanedPostmaster(realpathSync(path), [{ signal: 'SIGQUIT', timeoutMs: 2000 }]);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    const target = readlinkSync(path);
    // Never follow a link that we did not make.
    if (target === clusterElsewhere(realpathSync(dataDir))) rmSync(target, { recursive: true, force: true });
  }
  rmSync(dataDir, { recursive: true, force: true });
};

/** Makes the data folder passable for Postgres without opening anything inside it. */
export const ensureDataDir = (dataDir: string): void => {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  if (process.getuid?.() === 0 && existsSync(dataDir)) chmodSync(dataDir, 0o711);
};
