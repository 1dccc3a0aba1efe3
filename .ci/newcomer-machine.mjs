import { execFileSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const ABSENT =
  /^(redis-.*|valkey-.*|docker.*|containerd.*|podman|nerdctl|runc|ctr|postgres|pg_ctl|initdb|psql|pnpm|pnpx|corepack|yarn)$/;
// What a machine needs to reach the registry and to print.
const KEPT =
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|LANG|(https?|no)_proxy|npm_config_registry|npm_config_cafile)$/i;

/**
 * Makes what a newcomer has, in the folder `work`: a fresh clone of the repository, an empty HOME, and a
 * PATH with everything of the system but Redis, Postgres, container engines and package managers other
 * than npm. The user is root or, for any other name, Debian's "nobody".
 */
export const prepareMachine = ({ repository, work, user }) => {
  const [home, clone, bin] = ['home', 'clone', 'bin'].map((name) => join(work, name));
  const runAs = user === 'root' ? {} : { uid: 65534, gid: 65534 };
  for (const folder of [home, bin]) mkdirSync(folder, { recursive: true });
  for (const folder of [work, bin]) chmodSync(folder, 0o755);
  linkTools(bin);
  // A checkout that belongs to another user than this one is what CI may give; git refuses it unless told.
  const gitConfig = join(work, 'gitconfig');
  writeFileSync(gitConfig, '[safe]\n\tdirectory = *\n');
  execFileSync('git', ['clone', '--quiet', repository, clone], {
    stdio: 'inherit',
    env: { ...process.env, GIT_CONFIG_GLOBAL: gitConfig },
  });
  if (runAs.uid !== undefined) execFileSync('chown', ['-R', `${runAs.uid}:${runAs.gid}`, home, clone]);
  const kept = Object.entries(process.env).filter(([name]) => KEPT.test(name));
  return { clone, runAs, environment: { ...Object.fromEntries(kept), HOME: home, PATH: bin, TERM: 'dumb' } };
};

const linkTools = (bin) => {
  const folders = new Set([
    dirname(process.execPath),
    '/usr/local/bin',
    '/usr/bin',
    '/bin',
    '/usr/sbin',
    '/sbin',
  ]);
  for (const folder of folders) {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      if (!ABSENT.test(name)) linkTool(join(folder, name), join(bin, name));
    }
  }
};

const linkTool = (target, path) => {
  try {
    accessSync(target, constants.X_OK);
    symlinkSync(target, path);
  } catch {
    // Not a program, or one that an earlier folder has as well: no tool is lost.
  }
};
