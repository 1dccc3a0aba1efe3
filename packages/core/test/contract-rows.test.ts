import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../src/error-codes.ts';
import { citationsOf, hasTest, linkedFilesOf } from './cited-tests.ts';

const root = new URL('../../../', import.meta.url);

/** Each by its path, with fewer citations than which something of it is not read. */
const pages = [
  { path: 'docs/contract-tests.md', least: 200 },
  { path: 'SECURITY.md', least: 80 },
  { path: 'docs/reliability.md', least: 1 },
].filter(({ path }) => existsSync(new URL(path, root)));

const sources = new Map<string, string>();
const sourceAt = (url: URL): string => {
  const known = sources.get(url.href) ?? (existsSync(url) ? readFileSync(url, 'utf8') : '');
  sources.set(url.href, known);
  return known;
};

test('the pages that cite tests are there', () =>
  expect(pages.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['docs/contract-tests.md', 'SECURITY.md']),
  ));

describe.each(pages)('$path', ({ path, least }) => {
  const pageUrl = new URL(path, root);
  const page = readFileSync(pageUrl, 'utf8');
  const citations = citationsOf(page);

  test('has a test for every row', () => {
    expect(citations.length).toBeGreaterThanOrEqual(least);
    expect(citations.filter((citation) => typeof citation === 'string')).toEqual([]);
  });

  test('names no test that is not in its file, or is turned off', () =>
    expect(
      citations.filter(
        (citation) =>
          typeof citation !== 'string' && !hasTest(sourceAt(new URL(citation.file, pageUrl)), citation.title),
      ),
    ).toEqual([]));

  test('leads to no file that is not there', () =>
    expect(linkedFilesOf(page).filter((file) => !existsSync(new URL(file, pageUrl)))).toEqual([]));
});

describe('the check of the citations', () => {
  const line = (title: string) => `| \`POST /x\` | 200 | [x](../apps/x.test.ts): \`${title}\` |`;

  test('reads file and title of a row, and tells a row without them', () => {
    const page = [
      '| row | what | test |',
      '| --- | --- | --- |',
      line('a \\| b'),
      '| `GET /x` | 200 |  |',
      'text',
    ];
    expect(citationsOf(page.join('\n'))).toEqual([
      { file: '../apps/x.test.ts', title: 'a | b' },
      '| `GET /x` | 200 |  |',
    ]);
  });

  const cite = (title: string) => `[x](../apps/x.test.ts): \`${title}\``;
  const found = (title: string) => ({ file: '../apps/x.test.ts', title });

  test.each([
    ['in a sentence', `As ${cite('a')} shows.`, [found('a')]],
    [
      'several of one row',
      `| row | test |\n| --- | --- |\n| x | ${cite('a')}, ${cite('b')} |`,
      [found('a'), found('b')],
    ],
    [
      'in a table of something else',
      `| row | what |\n| --- | --- |\n| ${cite('a')} | |\n| x | |`,
      [found('a')],
    ],
    [
      'a bare row after another table',
      '| a | b |\n| - | - |\n\n| a | test |\n| - | - |\n| x | |',
      ['| x | |'],
    ],
    ['a link to a file alone', 'See [x](../apps/x.test.ts).', []],
  ])('reads %s', (_what, text, expected) => expect(citationsOf(text)).toEqual(expected));

  test('knows where a link leads, and leaves other sites alone', () =>
    expect(
      linkedFilesOf(
        '[a](docs/a.md#part), [b](../b.ts) [c](https://example.com/c) [d](#here) [e](mailto:e@example.com)',
      ),
    ).toEqual(['docs/a.md', '../b.ts']));

  test.each([
    ["it('a thing holds', async () => {})"],
    ['test("a thing holds", () => {})'],
    ['it(\n  `a thing holds`,\n  () => {})'],
    ["describe('a thing holds', () => {})"],
    ["describeWithRedis('a thing holds', () => {})"],
    ["it.each([\n  ['x', 1],\n])('a thing holds', (x) => {})"],
    ["it.each<{ a: string }>([{ a: 'x' }])(\n  'a thing holds',\n  () => {})"],
    ["test.each`\n  a\n  ${1}\n`('a thing holds', () => {})"],
  ])('finds %s', (source) => expect(hasTest(source, 'a thing holds')).toBe(true));

  test.each([
    [''],
    ["it('a thing holds not', () => {})"],
    ["it('that a thing holds', () => {})"],
    ["// it('a thing holds', () => {})"],
    ["/* it('a thing holds', () => {}) */"],
    ["it.skip('a thing holds', () => {})"],
    ["it.skip.each([1])('a thing holds', () => {})"],
    ["it.todo('a thing holds')"],
    ["it('a thing holds', () => {});\nit.only('another', () => {})"],
    ["expect(words).toContain('a thing holds')"],
    ["const title = 'a thing holds';"],
  ])('does not find %s', (source) => expect(hasTest(source, 'a thing holds')).toBe(false));
});

const testsOfApi = new URL('../../../apps/api/test/', import.meta.url);
const texts = readdirSync(testsOfApi, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(new URL(name, testsOfApi), 'utf8') }));

/** Whether a test of these files expects a code, written as a text of its own. */
const isExpected = (code: string, files: RegExp): boolean =>
  texts.some(({ name, text }) => files.test(name) && new RegExp(`['"]${code}['"]|${code} `).test(text));

const dialect = (name: string, file: string): string =>
  readFileSync(new URL(`../src/dialects/${name}/${file}.ts`, testsOfApi), 'utf8');
const codesIn = (source: string, pattern: RegExp): string[] => [
  ...new Set([...source.matchAll(pattern)].map((match) => match[1] ?? '')),
];

describe('every code that a contract can answer is expected by a test', () => {
  const gotrueFiles = [
    'answers',
    'errors',
    'read-request',
    'session-routes',
    'session-answer',
    'verify-routes',
  ];
  test.each([
    ['v1', Object.keys(errorCodes), /^[a-z-]+\.test/, 30],
    [
      'singularity',
      codesIn(dialect('singularity', 'errors'), /^ {2}([A-Z_]+): \{/gm),
      /singularity|faults/,
      20,
    ],
    ['entryguard', codesIn(dialect('entryguard', 'errors'), /^ {2}([A-Z_]+): \{/gm), /entryguard|faults/, 20],
    [
      'gotrue',
      codesIn(
        gotrueFiles.map((file) => dialect('gotrue', file)).join('\n'),
        /GotrueError\(\s*\d+,\s*'(\w+)'/g,
      ),
      /gotrue/,
      20,
    ],
  ] as const)('%s', (_name, codes, files, least) => {
    expect(codes.length).toBeGreaterThan(least);
    expect(codes.filter((code) => !isExpected(code, files))).toEqual([]);
  });

  test('and the check misses a code that no test knows', () =>
    expect(isExpected('CODE_OF_NOBODY', /./)).toBe(false));
});
