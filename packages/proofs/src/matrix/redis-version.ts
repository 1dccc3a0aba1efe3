import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** As the server says it itself, `Redis 7.0.15` or `Valkey 8.0.1`; undefined when the path is of neither. */
export const redisVersion = async (path: string): Promise<string | undefined> => {
  const { stdout } = await run(path, ['--version'], { timeout: 30_000 }).catch(() => ({ stdout: '' }));
  const [, name, version] = /^(Redis|Valkey) server v=(\S+)/.exec(stdout) ?? [];
  return name === undefined || version === undefined ? undefined : `${name} ${version}`;
};
