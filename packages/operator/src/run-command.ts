import { readFileSync } from 'node:fs';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { operatorSettings } from '@reconfirm/core/config/operator-settings';
import { readSettings, secretNames } from '@reconfirm/core/config/setting';
import { Secret } from '@reconfirm/core/secret';
import { exitMisconfigured, printProblems } from '@reconfirm/process/command-line';
import { readEnvironment } from '@reconfirm/process/environment';
import { type AdminApi, ApiProblem, createAdminApi } from './admin-api.ts';
import { createPaint, isColored, type Paint } from './paint.ts';

export interface CommandContext {
  readonly api: AdminApi;
  readonly paint: Paint;
  readonly columns: number;
  /** The one argument that is no option. */
  readonly subject: string;
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
}

export interface Command {
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Returns the exit code. */
  readonly run: (context: CommandContext) => Promise<number>;
}

const sharedOptions = {
  api: { type: 'string' },
  organization: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** An argument that does not fit, as a sentence. */
export class UsageProblem extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads arguments and environment and runs; the exit code is 78 when one of them is not right, 1 when the API refuses. */
export const runCommand = async (
  { usage, options, run }: Command,
  args: readonly string[],
  environment: Environment,
): Promise<number> => {
  const given = readArguments(args, { ...options, ...sharedOptions });
  if ('problem' in given) return fail([`${given.problem}; try --help`]);
  const { values, positionals } = given;
  if (values['help'] === true) {
    console.log(usage);
    return 0;
  }
  const [subject] = positionals;
  if (subject === undefined || positionals.length > 1)
    return fail(['one address or message id is wanted; try --help']);
  const found = readApi(environment, typeof values['api'] === 'string' ? values['api'] : undefined);
  if ('problems' in found) return fail(found.problems);
  try {
    return await run({
      api: createAdminApi(found.url, found.adminKey),
      paint: createPaint(isColored(process.stdout, environment)),
      columns: process.stdout.columns ?? 100,
      subject,
      values,
    });
  } catch (error) {
    if (error instanceof UsageProblem) return fail([error.message]);
    if (!(error instanceof ApiProblem)) throw error;
    console.error(error.message);
    return 1;
  }
};

const readArguments = (args: readonly string[], options: NonNullable<ParseArgsConfig['options']>) => {
  // pnpm hands on the -- that npm keeps.
  const own = args[0] === '--' ? args.slice(1) : args;
  try {
    const { values, positionals } = parseArgs({
      args: [...own],
      options,
      allowPositionals: true,
      strict: true,
    });
    return { values: values as CommandContext['values'], positionals };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
};

type FoundApi =
  | { readonly url: string; readonly adminKey: Secret }
  | { readonly problems: readonly string[] };

/** From the flag and the environment; where both are silent, the installation that `npm start` made here. */
const readApi = (source: Environment, flag: string | undefined): FoundApi => {
  const { environment, problems } = readEnvironment(source, secretNames(operatorSettings));
  const read = readSettings(operatorSettings, environment);
  if (problems.length > 0 || 'problems' in read)
    return { problems: [...problems, ...('problems' in read ? read.problems : [])] };
  const { PUBLIC_URL, ADMIN_KEY } = read.config;
  if (flag !== undefined && !/^https?:$/.test(URL.parse(flag)?.protocol ?? ''))
    return { problems: ['--api must be a URL like http://localhost:3000'] };
  const local = ADMIN_KEY === undefined && PUBLIC_URL === undefined ? localAdminKey() : undefined;
  const url = flag ?? PUBLIC_URL ?? (local === undefined ? undefined : 'http://localhost:3000');
  const adminKey = ADMIN_KEY ?? local;
  if (url !== undefined && adminKey !== undefined) return { url, adminKey };
  return {
    problems: [
      ...(adminKey === undefined ? ['ADMIN_KEY (or ADMIN_KEY_FILE) is needed: the one of the API'] : []),
      ...(url === undefined ? ['PUBLIC_URL, or --api with the URL of the API, is needed'] : []),
    ],
  };
};

const localAdminKey = (): Secret | undefined => {
  try {
    const path = new URL('../../../.reconfirm/secrets.json', import.meta.url);
    const { adminKey } = JSON.parse(readFileSync(path, 'utf8')) as { readonly adminKey?: unknown };
    return typeof adminKey === 'string' ? new Secret(adminKey) : undefined;
  } catch {
    return undefined;
  }
};

const fail = (problems: readonly string[]): number => {
  printProblems(problems);
  return exitMisconfigured;
};
