import { readFile } from 'node:fs/promises';
import { IntlMessageFormat } from 'intl-messageformat';

/** The values that ICU strings may name. They are inserted as they are and never parsed. */
export type StringValues = Readonly<Record<string, string>>;

/** Formats every string of one group for one message, by key. */
export type FormatStrings = (values: StringValues) => Readonly<Record<string, string>>;

/** The formatters of one locale, by group: one for each template, `common` for what mails share, and `sms`. */
export type LocaleStrings = Readonly<Record<string, FormatStrings>>;

/**
 * Reads `locales/<locale>.json` for every locale and parses the ICU strings once. Throws when a
 * file is missing or malformed, or when a locale lacks a string that another one has: a reader
 * must never meet half a translation.
 */
export const loadStrings = async (
  locales: readonly string[],
): Promise<ReadonlyMap<string, LocaleStrings>> => {
  const sources = await Promise.all(
    locales.map(async (locale) => ({ locale, source: await readLocale(locale) })),
  );
  const problems = missingStrings(sources);
  if (problems.length > 0) throw new Error(`Translations are incomplete: ${problems.join('; ')}.`);
  return new Map(sources.map(({ locale, source }) => [locale, compileLocale(locale, source)]));
};

type LocaleSource = Readonly<Record<string, Readonly<Record<string, string>>>>;

const readLocale = async (locale: string): Promise<LocaleSource> => {
  const file = new URL(`./locales/${locale}.json`, import.meta.url);
  const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (!isLocaleSource(parsed)) throw new Error(`locales/${locale}.json must hold groups of strings.`);
  return parsed;
};

const isLocaleSource = (value: unknown): value is LocaleSource =>
  isRecord(value) &&
  Object.values(value).every(
    (strings) => isRecord(strings) && Object.values(strings).every((string) => typeof string === 'string'),
  );

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const missingStrings = (sources: readonly { locale: string; source: LocaleSource }[]): readonly string[] => {
  const keysOf = (source: LocaleSource): string[] =>
    Object.entries(source).flatMap(([group, strings]) =>
      Object.keys(strings).map((key) => `${group}.${key}`),
    );
  const all = new Set(sources.flatMap(({ source }) => keysOf(source)));
  return sources.flatMap(({ locale, source }) => {
    const present = new Set(keysOf(source));
    return [...all].filter((key) => !present.has(key)).map((key) => `${locale} lacks ${key}`);
  });
};

const compileLocale = (locale: string, source: LocaleSource): LocaleStrings =>
  Object.fromEntries(
    Object.entries(source).map(([group, strings]) => [group, compileGroup(locale, strings)]),
  );

const compileGroup = (locale: string, strings: Readonly<Record<string, string>>): FormatStrings => {
  // ignoreTag: a `<` in a translation is text. Markup belongs to the template.
  const formats = Object.entries(strings).map(
    ([key, string]) => [key, new IntlMessageFormat(string, locale, undefined, { ignoreTag: true })] as const,
  );
  return (values) =>
    Object.fromEntries(formats.map(([key, format]) => [key, oneStop(String(format.format({ ...values })))]));
};

/** "Join Acme, Inc." and not "Inc..": a name that ends in a stop ends its sentence too. */
const oneStop = (text: string): string => text.replace(/\.(\u2069?)\.(?!\.)/g, '.$1');
