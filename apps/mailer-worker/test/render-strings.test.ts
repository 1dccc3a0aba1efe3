import { readdir, readFile } from 'node:fs/promises';
import { IntlMessageFormat } from 'intl-messageformat';
import { describe, expect, test } from 'vitest';
import { supportedLocales } from '@reconfirm/core/locale';
import { templateNames } from '../src/render-request.ts';
import { loadStrings } from '../src/render-strings.ts';

type Source = Record<string, Record<string, string>>;

const read = async (locale: string): Promise<Source> =>
  JSON.parse(await readFile(new URL(`../src/locales/${locale}.json`, import.meta.url), 'utf8')) as Source;

const english = await read('en');

/** The arguments that a string names, as `{has}`, with the branches of each `select`. */
const argumentsOf = (string: string): string[] => {
  const found = new Set<string>();
  const walk = (parts: readonly Part[]): void => {
    for (const part of parts) {
      if (part.type === 0 || part.value === undefined) continue;
      found.add(
        part.options === undefined
          ? part.value
          : `${part.value}: ${Object.keys(part.options).toSorted().join(' ')}`,
      );
      for (const option of Object.values(part.options ?? {})) walk(option.value);
    }
  };
  walk(new IntlMessageFormat(string, 'en', undefined, { ignoreTag: true }).getAst());
  return [...found].toSorted();
};

interface Part {
  readonly type: number;
  readonly value?: string;
  readonly options?: Readonly<Record<string, { readonly value: readonly Part[] }>>;
}

test('there is one file for each supported locale, and none besides', async () => {
  const files = await readdir(new URL('../src/locales/', import.meta.url));
  expect(files.toSorted()).toEqual(supportedLocales.map((locale) => `${locale}.json`).toSorted());
});

test('there are strings for every template, and none for others', () => {
  expect(Object.keys(english).toSorted()).toEqual(['common', 'sms', ...templateNames].toSorted());
});

describe.each(supportedLocales)('%s', (locale) => {
  test('has the strings of English, in its order, with its arguments and branches', async () => {
    const shapeOf = (source: Source) =>
      Object.entries(source).map(([group, strings]) => [
        group,
        Object.entries(strings).map(([key, string]) => [key, string.trim() !== '', argumentsOf(string)]),
      ]);
    // Where there is no name to give, an argument may go unused: "Invitation to …" names no inviter.
    expect(shapeOf(await read(locale))).toEqual(shapeOf(english));
  });

  test('is translated: nothing is left in English, and nothing begins or ends with a space', async () => {
    const source = await read(locale);
    for (const [group, strings] of Object.entries(source))
      for (const [key, string] of Object.entries(strings)) {
        expect(string.trim(), `${group}.${key}`).toBe(string);
        expect(string === english[group]?.[key], `${group}.${key}`).toBe(locale === 'en');
      }
  });

  test('has no straight apostrophe, which ICU takes for a quote before a brace', async () => {
    expect(JSON.stringify(await read(locale))).not.toContain("'");
  });
});

test('a locale without a file, and one that lacks a string, stop the start', async () => {
  await expect(loadStrings(['en', 'tlh'])).rejects.toThrow(/tlh/);
  await expect(loadStrings(['en', '../../test/support/locales/half'])).rejects.toThrow(
    'half lacks signup.subject',
  );
});
