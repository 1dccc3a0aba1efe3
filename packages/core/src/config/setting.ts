import { Secret } from '../secret.ts';

/** A value that could not be read, as a clause that follows the setting's name: "PORT must be …". */
export interface Problem {
  readonly problem: string;
}

export const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'problem' in value;

/** One setting: how it is read, what it means, and what holds when it is not given. */
export interface Setting<T> {
  readonly describe: string;
  /** Shown in the documentation, for instance `5/3600` or `postgres://user:password@host/db`. */
  readonly form: string;
  /** Read like a given value when the setting is missing; undefined: the setting is required. */
  readonly fallback?: string;
  readonly secret: boolean;
  readonly read: (text: string) => T | Problem;
}

type Options = Pick<Setting<unknown>, 'describe'> & { readonly fallback?: string };
type FormOptions = Options & { readonly form: string };

const make = <T>(options: FormOptions, read: (text: string) => T | Problem): Setting<T> => ({
  ...options,
  secret: false,
  read,
});

/** A setting read by a function of its own, which returns the value or the problem. */
export const custom = <R>(options: FormOptions, read: (text: string) => R): Setting<Exclude<R, Problem>> =>
  make<Exclude<R, Problem>>(options, (value) => {
    const result = read(value);
    return isProblem(result) ? result : (result as Exclude<R, Problem>);
  });

export const text = (options: FormOptions): Setting<string> => make<string>(options, (value) => value);

export const integer = (options: Options & { min: number; max: number }): Setting<number> => {
  const { min, max, ...rest } = options;
  return make<number>({ ...rest, form: `${min} to ${max}` }, (value) => {
    const number = Number(value);
    return /^\d+$/.test(value) && number >= min && number <= max
      ? number
      : { problem: `must be a whole number from ${min} to ${max}` };
  });
};

export const choice = <const V extends string>(options: Options & { values: readonly V[] }): Setting<V> => {
  const { values, ...rest } = options;
  return make<V>({ ...rest, form: values.join(' or ') }, (value) => {
    const found = values.find((v) => v === value);
    return found ?? { problem: `must be one of ${values.join(', ')}` };
  });
};

/** An absolute URL of one of the schemes (given with their colon). */
export const url = (options: FormOptions & { schemes: readonly string[] }): Setting<string> => {
  const { schemes, ...rest } = options;
  return make<string>(rest, (value) =>
    URL.canParse(value) && schemes.includes(new URL(value).protocol)
      ? value
      : { problem: `must be a URL that starts with ${schemes.map((s) => `${s}//`).join(' or ')}` },
  );
};

/** The same setting, but empty or missing means undefined. */
export const optional = <T>(setting: Setting<T>): Setting<T | undefined> => ({
  ...setting,
  fallback: '',
  read: (value) => (value === '' ? undefined : setting.read(value)),
});

/** A setting whose value prints as `[secret]`. Also read from the file that NAME_FILE points at. */
export const secret = (setting: Setting<string>): Setting<Secret> => ({
  ...setting,
  secret: true,
  read: (value) => {
    const read = setting.read(value);
    return isProblem(read) ? read : new Secret(read);
  },
});

/** A setting read by a function that itself wraps what is secret (`Secret`). Also read from NAME_FILE. */
export const customSecret = <R>(
  options: FormOptions,
  read: (text: string) => R,
): Setting<Exclude<R, Problem>> => ({
  ...custom(options, read),
  secret: true,
});

/** A connection URL: it may hold a password, so it is handled as a secret. */
export const secretUrl = (options: FormOptions & { schemes: readonly string[] }): Setting<Secret> =>
  secret(url(options));

export type Settings = Readonly<Record<string, Setting<unknown>>>;

export type ConfigOf<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** Names of the settings that may also come from a file. */
export const secretNames = (settings: Settings): readonly string[] =>
  Object.entries(settings).flatMap(([name, setting]) => (setting.secret ? [name] : []));

/**
 * Reads all settings of a process out of its environment. Either every value is right, or every
 * problem is told at once, each as a sentence that starts with the setting's name.
 */
export const readSettings = <S extends Settings>(
  settings: S,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly config: ConfigOf<S> } | { readonly problems: readonly string[] } => {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const given = environment[name];
    const value = given === undefined || given === '' ? setting.fallback : given;
    if (value === undefined) {
      problems.push(`${name} is required: ${setting.describe}`);
      continue;
    }
    const read = setting.read(value);
    if (isProblem(read)) problems.push(`${name} ${read.problem}`);
    else values[name] = read;
  }
  return problems.length > 0 ? { problems } : { config: values as ConfigOf<S> };
};
