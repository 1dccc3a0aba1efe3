import { parseArgs } from 'node:util';
import { StackError } from '../stack-error.ts';

export type Flags = {
  fresh: boolean;
  watch: boolean;
  help: boolean;
  /** 0 for any free one. */
  port?: number;
};

export const HELP = `Starts Reconfirm on this machine: stores, inbox, API and worker. Ctrl-C stops everything.

  npm start [-- options]      or, with pnpm: pnpm run up [options]

  --port N   port of the API (default 3000, or PORT; 0 for any free one)
  --fresh    delete the data of earlier runs first
  --watch    restart the API and the worker when a source file changes (also: pnpm dev)
  --help     this text

Every setting of docs/configuration.md may be set in the environment, or in a file .env, and wins over what is
chosen here. DATABASE_URL and REDIS_URL name stores of your own; without them Postgres is the embedded one, and
Redis is a redis-server or valkey-server from PATH (or REDIS_SERVER_BIN), or Postgres again.
`;

const OPTIONS = {
  fresh: { type: 'boolean', default: false },
  watch: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  port: { type: 'string' },
} as const;

/** Throws StackError `usage`. A `--` that a script runner passed on is ignored. */
export const parseFlags = (argv: readonly string[]): Flags => {
  const { fresh, watch, help, port } = parse(argv.filter((argument) => argument !== '--'));
  return { fresh, watch, help, ...(port !== undefined && { port: parsePort('--port', port) }) };
};

const parse = (
  args: string[],
): { fresh: boolean; watch: boolean; help: boolean; port?: string | undefined } => {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('. ')[0] : String(cause);
    throw new StackError('usage', `${reason}: \`npm start -- --help\` lists what can be said.`, { cause });
  }
};

/** Throws StackError `usage`, naming where the text came from. */
export const parsePort = (source: string, text: string): number => {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new StackError('usage', `${source} is "${text}", which is no port number: take one from 1 to 65535.`);
};
