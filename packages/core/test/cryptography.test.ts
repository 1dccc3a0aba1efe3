import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
// The local stack runs on a developer's machine and in tests only.
const folders = [
  ...['core', 'db', 'doctor', 'operator', 'process', 'queue'].map((name) => `packages/${name}/src/`),
  ...['api', 'mailer-worker'].map((name) => `apps/${name}/src/`),
];
const sources = folders.flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: folder + name, source: readFileSync(new URL(folder + name, root), 'utf8') })),
);

const findIn = (pattern: RegExp, files = sources): readonly string[] =>
  files.flatMap(({ path, source }) =>
    [...source.matchAll(pattern)].map(([, what = '']) => `${path}: ${what}`),
  );

/** What node:crypto is asked for by name. */
const algorithms =
  /(?:createHash|createHmac|createCipheriv|createDecipheriv|createSign|createVerify|pbkdf2\w*|hkdf\w*|hash|sign|verify|\?)\s*\(?\s*'((?:sha|md|ripemd|aes|des|rc4|blowfish|chacha|rsa-)[\w/-]*)'/gi;
const strong = /'?(?:sha256|aes-256-gcm)$/;

/** A secret, or what proves one, compared by an operator that ends at the first difference. */
const earlyComparison =
  /(reveal\(\)\s*[!=]==|[!=]==\s*[\w.?]+\.reveal\(\)|\b(?:mac|hmac|signature|digest|secretHash|codeHash|tokenHash)\s*[!=]==(?!\s*(?:'|undefined|null))|\b\w+\.equals\()/g;

const guessable = /(Math\.random)\b/g;

describe('what the services compute with', () => {
  test('every source is looked at', () => expect(sources.length).toBeGreaterThan(300));

  test('is SHA-256 and AES-256-GCM, and SHA-1 only where a provider defines its signature so', () =>
    expect(findIn(algorithms).filter((found) => !strong.test(found))).toEqual([
      'packages/core/src/providers/sns-signature.ts: sha1',
      'packages/core/src/sms-providers/twilio-signature.ts: sha1',
    ]));

  test('compares nothing that is secret by an operator that ends at the first difference', () =>
    expect(findIn(earlyComparison)).toEqual(
      [
        // Two hashes of ours: of the row, and of what was derived for it; nobody else brings either.
        'apps/mailer-worker/src/credential.ts: tokenHash.equals(',
        // What a request says, in the clear to whoever sent it.
        'apps/api/src/resend.ts: requestHash.equals(',
      ].toSorted(),
    ));

  test('leaves nothing to a guessable source but how long something waits', () =>
    expect(new Set(findIn(guessable))).toEqual(
      new Set(
        ['lookups/lookup-loop', 'mail-routes', 'outcome-record', 'outgoing/event-loop', 'sweep'].map(
          (name) => `apps/mailer-worker/src/${name}.ts: Math.random`,
        ),
      ),
    ));
});

describe('the checks above see', () => {
  const seen = (pattern: RegExp, source: string): number => findIn(pattern, [{ path: 'x', source }]).length;

  test.each([
    "createHash('md5')",
    "createHmac('sha1', key)",
    "hash('md5', text)",
    "createCipheriv('aes-256-cbc', k, i)",
  ])('%s', (source) =>
    expect(findIn(algorithms, [{ path: 'x', source }]).filter((found) => !strong.test(found))).toHaveLength(
      1,
    ),
  );

  test.each([
    'given === key.reveal()',
    'key.reveal() !== given',
    'mac === expected',
    'given.equals(expected)',
  ])('%s', (source) => expect(seen(earlyComparison, source)).toBe(1));

  test('Math.random', () => expect(seen(guessable, 'const code = Math.random()')).toBe(1));
});
