import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folder = new URL('../src/', import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, source: readFileSync(new URL(name, folder), 'utf8') }));

/** Everything by which a decision could depend on more than its arguments, or do more than return. */
const impure: readonly RegExp[] = [
  /\basync\b/,
  /\bawait\b/,
  /\bPromise\b/,
  /\.then\(/,
  /\bprocess\.\w/,
  /\bimport\.meta\b/,
  /\bglobalThis\b/,
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bDate\(\)/,
  /\bperformance\./,
  /\bTemporal\.Now\b/,
  /\bMath\.random\b/,
  /\brandom(?:Bytes|UUID|Int|FillSync)\b/,
  /\bgetRandomValues\b/,
  /\bconsole\.\w/,
  /\bset(?:Timeout|Interval|Immediate)\b/,
  /\bqueueMicrotask\b/,
  /\bfetch\(/,
];

/** Modules that only compute: hashing, parsing of addresses and of domains, tables of numbers and of public suffixes. */
const allowedModules = new Set([
  'node:crypto',
  'node:net',
  'node:url',
  'libphonenumber-js/max',
  'tldts-icann',
]);

const faultsOf = (source: string): string[] => {
  const words = impure.filter((pattern) => pattern.test(source)).map(String);
  const modules = [...source.matchAll(/(?<!\.)\b(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g)].map(
    (match) => match[1] ?? '',
  );
  return [
    ...words,
    ...modules.filter((name) => !/^\.{1,2}\/.*\.ts$/.test(name) && !allowedModules.has(name)),
  ];
};

test('the check sees every file of the core', () => expect(files.length).toBeGreaterThan(30));

test.each(files)('$name is pure: data in, decision out', ({ source }) =>
  expect(faultsOf(source)).toEqual([]),
);

test.each([
  'export const f = async () => 1;',
  'await g();',
  'new Promise(() => {})',
  'p.then(() => 1)',
  'process.env',
  'Date.now()',
  'new Date()',
  'new Date( )',
  'performance.now()',
  'Math.random()',
  'randomBytes(16)',
  'crypto.randomUUID()',
  'console.log(1)',
  'setTimeout(f, 1)',
  "fetch('x')",
  "import { readFileSync } from 'node:fs';",
  "import pg from 'pg';",
  "import { x } from '@reconfirm/db/accounts';",
  "import('./x.js')",
])('the check finds %s', (source) => expect(faultsOf(source)).not.toEqual([]));

test.each([
  'new Date(0)',
  'new Date(ms)',
  'a process of ours',
  "import { createHash } from 'node:crypto';",
  "import type { A } from '../a.ts';",
])('the check lets %s pass', (source) => expect(faultsOf(source)).toEqual([]));
