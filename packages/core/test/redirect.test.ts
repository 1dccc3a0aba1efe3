import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  judgeRedirect,
  parseRedirectOrigins,
  type RedirectRule,
  verificationLink,
  withOwnOrigin,
} from '../src/redirect.ts';
import { anyText } from './any-text.ts';
import { confusingUrls } from './confusing-urls.ts';
import { fullRuns, fullRunsTimeoutMs } from './full-runs.ts';

const app = 'https://app.example.com';
const ruleOf = (text: string): RedirectRule => {
  const rule = parseRedirectOrigins(text);
  if ('problem' in rule) throw new Error(rule.problem);
  return rule;
};
const rule = ruleOf(`${app},https://bücher.example:8443,http://localhost:3000`);
const listed = new Set([app, 'https://xn--bcher-kva.example:8443', 'http://localhost:3000']);

describe('a redirect URL', () => {
  test('the corpus is large and free of repetitions', () => {
    const urls = confusingUrls.map(({ url }) => url);
    expect(new Set(urls).size).toBe(urls.length);
    expect(urls.length).toBeGreaterThanOrEqual(200);
  });

  test.each(confusingUrls)('$url never receives a token: $tries', ({ url }) => {
    expect(judgeRedirect(url, rule, false).allowed).toBe(false);
    expect(judgeRedirect(url, rule, true).allowed).toBe(false);
  });

  test.each([
    ['https://app.example.com', 'https://app.example.com/'],
    ['https://app.example.com/verify?lang=es', 'https://app.example.com/verify?lang=es'],
    ['HTTPS://APP.EXAMPLE.COM:443/a/../b', 'https://app.example.com/b'],
    ['https://app.example.com//evil.com', 'https://app.example.com//evil.com'],
    ['https://app.example.com/?next=https://evil.com', 'https://app.example.com/?next=https://evil.com'],
    ['https://app.example.com/@evil.com', 'https://app.example.com/@evil.com'],
    ['https://BÜCHER.example:8443/x', 'https://xn--bcher-kva.example:8443/x'],
  ])('%s of a listed origin is stored as %s', (raw, url) =>
    expect(judgeRedirect(raw, rule, true)).toEqual({ allowed: true, url }),
  );

  test('plain http leads to this machine in development and nowhere in production', () => {
    expect(judgeRedirect('http://localhost:3000/x', rule, false).allowed).toBe(true);
    expect(judgeRedirect('http://localhost:3000/x', rule, true)).toEqual({
      allowed: false,
      reason: 'scheme',
    });
  });

  test.each([
    ['nonsense', 'not_a_url'],
    ['ftp://app.example.com', 'scheme'],
    ['https://u:p@app.example.com', 'credentials'],
    ['https://app.example.com/#x', 'fragment'],
    ['https://evil.com', 'origin'],
  ] as const)('%s is refused by name: %s', (raw, reason) =>
    expect(judgeRedirect(raw, rule, true)).toEqual({ allowed: false, reason }),
  );

  test('without a list nothing is allowed, and the rule for a local machine still refuses other schemes', () => {
    expect(judgeRedirect(app, ruleOf(''), true).allowed).toBe(false);
    expect(judgeRedirect('https://anything.example', { kind: 'any' }, false).allowed).toBe(true);
    expect(judgeRedirect('javascript:alert(1)', { kind: 'any' }, false).allowed).toBe(false);
  });

  test(
    'whatever is given: what is allowed has a listed origin, no credentials, and is read again as itself',
    { timeout: fullRunsTimeoutMs },
    () => {
      const pieces = fc.constantFrom(
        'https:',
        'http:',
        '//',
        '/',
        '\\',
        '@',
        ':',
        '?',
        '#',
        '.',
        '%',
        '443',
        '3000',
        ' ',
        '\t',
        '\u0000',
        'app.example.com',
        'localhost',
        'evil.com',
        'bücher.example',
        ':8443',
        'user',
        '\uff0f',
        '\u3002',
        '[::1]',
        'a',
        '%2f',
        '%40',
      );
      const prefixes = fc.constantFrom('', 'https://', `${app}`, `${app}/`, 'http://localhost:3000');
      const pieced = fc
        .tuple(prefixes, fc.array(pieces, { maxLength: 6 }))
        .map(([prefix, parts]) => prefix + parts.join(''));
      const urls = fc.oneof(
        { weight: 18, arbitrary: pieced },
        { weight: 1, arbitrary: fc.webUrl({ withQueryParameters: true, withFragments: true }) },
        { weight: 1, arbitrary: anyText(20) },
      );
      let allowed = 0;
      fc.assert(
        fc.property(urls, fc.boolean(), (raw, production) => {
          const decision = judgeRedirect(raw, rule, production);
          if (!decision.allowed) return;
          allowed += 1;
          const url = new URL(decision.url);
          expect(listed).toContain(url.origin);
          const link = new URL(verificationLink(decision.url, 'f'.repeat(64)));
          // One comparison, because ten thousand URLs come by here.
          expect([new URL(raw).origin, link.origin, url.username, url.password, url.hash]).toEqual([
            url.origin,
            url.origin,
            '',
            '',
            '',
          ]);
          expect(judgeRedirect(decision.url, rule, production)).toEqual(decision);
        }),
        { numRuns: fullRuns(100_000) },
      );
      expect(allowed).toBeGreaterThan(fullRuns(100_000) / 20);
    },
  );
});

describe('the list of origins', () => {
  test('is read with spaces, repetitions and default ports', () => {
    const read = ruleOf(' https://a.example , https://a.example:443/ ,, http://127.0.0.1:8080 ');
    expect(read).toEqual({
      kind: 'origins',
      origins: new Set(['https://a.example', 'http://127.0.0.1:8080']),
    });
    expect(ruleOf('*')).toEqual({ kind: 'any' });
    expect(ruleOf('')).toEqual({ kind: 'origins', origins: new Set() });
  });

  test.each([
    'app.example.com',
    'http://app.example.com',
    'https://app.example.com/path',
    'https://app.example.com/?x',
    'https://app.example.com/#x',
    'https://user@app.example.com',
    'https://:pw@app.example.com',
    'ftp://app.example.com',
    'javascript:x',
    '*,https://a.example',
    'http://localhost.evil.com',
    'https://*.example.com',
  ])('%s is refused with a sentence', (text) => {
    const read = parseRedirectOrigins(text);
    expect('problem' in read && read.problem).toMatch(/is not a URL|must be an origin/);
  });
});

describe('our own page', () => {
  test('may always be the target, beside the listed origins', () => {
    const withOurs = withOwnOrigin(
      { kind: 'origins', origins: new Set(['https://app.example.com']) },
      'https://verify.example.com',
    );
    for (const url of ['https://verify.example.com/v1/verify-email', 'https://app.example.com/'])
      expect(judgeRedirect(url, withOurs, true).allowed).toBe(true);
    expect(judgeRedirect('https://other.example.com/', withOurs, true)).toEqual({
      allowed: false,
      reason: 'origin',
    });
  });

  test('adds nothing to a rule that allows all, and changes no rule that it was made from', () => {
    expect(withOwnOrigin({ kind: 'any' }, 'https://verify.example.com')).toEqual({ kind: 'any' });
    const origins = new Set<string>();
    withOwnOrigin({ kind: 'origins', origins }, 'https://verify.example.com');
    expect(origins.size).toBe(0);
  });
});

describe('the link in the mail', () => {
  const token = 'ab'.repeat(32);

  test.each([
    ['https://app.example.com/', `https://app.example.com/?token=${token}`],
    ['https://app.example.com/verify', `https://app.example.com/verify?token=${token}`],
    [
      'https://app.example.com/verify?lang=es&x=1',
      `https://app.example.com/verify?lang=es&x=1&token=${token}`,
    ],
    [
      'https://app.example.com/verify?token=old&lang=es&token=older',
      `https://app.example.com/verify?token=${token}&lang=es`,
    ],
  ])('of %s is %s', (page, link) => expect(verificationLink(page, token)).toBe(link));

  test('keeps every parameter of the page, in order, and has one token', () => {
    const names = fc.constantFrom('a', 'b', 'lang', 'next', 'token', 'Token', 'ä', 'x[y]');
    const values = fc.string({ unit: fc.constantFrom(...'a9 +&=?#%é🙂/'), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values), { maxLength: 5 }), (pairs) => {
        const page = new URL('https://app.example.com/verify');
        for (const [name, value] of pairs) page.searchParams.append(name, value);
        const link = new URL(verificationLink(page.href, token));
        const others = (url: URL): string[][] => [...url.searchParams].filter(([name]) => name !== 'token');
        expect(others(link)).toEqual(others(page));
        expect(link.searchParams.getAll('token')).toEqual([token]);
        expect(link.origin + link.pathname).toBe(page.origin + page.pathname);
      }),
      { numRuns: 1000 },
    );
  });
});
