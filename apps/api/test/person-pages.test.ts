import { IntlMessageFormat } from 'intl-messageformat';
import { describe, expect, test } from 'vitest';
import { isRightToLeft, supportedLocales } from '@reconfirm/core/locale';
import { codeEntryPage } from '../src/pages/code-entry-page.ts';
import { confirmationPage, resentPage } from '../src/pages/confirmation-page.ts';
import { notMePage } from '../src/pages/not-me-page.ts';
import { passwordPage } from '../src/pages/password-page.ts';
import { pageStrings } from '../src/pages/strings.ts';
import { frame, live, personPages, readable, token } from './support/person-pages.ts';

const textOf = (source: string): string => readable(source).replace(/[\u2068\u2069]/g, '');

describe.each(supportedLocales)('in %s', (locale) => {
  const pages = [...personPages({ locale })];

  test.each(pages)('%s has a heading, a title, and says what to do next', (_name, source) => {
    const dir = isRightToLeft(locale) ? 'rtl' : 'ltr';
    expect(source).toContain(`<html lang="${locale}" dir="${dir}">`);
    const heading = /<h1>([^<]{4,})<\/h1>/.exec(source)?.[1] ?? '';
    expect(source).toContain(`<title>${heading.replace(/[\u2068\u2069]/g, '')} · Acme</title>`);
    expect(/<p class="next">\s*([^<]{10,})<\/p>/.exec(source)).not.toBeNull();
    expect(textOf(source)).not.toMatch(/[{}#]|undefined|\bnull\b/);
  });

  test('no two pages read the same, but those that offer nothing', () => {
    const alike = /^(?:already_confirmed|(?:consumed|suspended|unknown) with resend)$/;
    const texts = pages.filter(([name]) => !alike.test(name)).map(([, source]) => readable(source));
    expect(new Set(texts).size).toBe(texts.length);
  });

  test('every text is written in the language, and none is left in English', () => {
    const english = new Map(personPages());
    for (const [name, source] of pages)
      expect(readable(source) === readable(english.get(name) ?? ''), name).toBe(locale === 'en');
    if (locale === 'en') return;
    const left = leavesOf(pageStrings[locale]).filter(([path, text]) => englishLeaves.get(path) === text);
    // "Code" is a word of German and French too.
    expect(left.filter(([path]) => path !== 'code.label')).toEqual([]);
  });

  test('every string is ICU, names what English names, and has each plural that the language has', () => {
    const categories = new Intl.PluralRules(locale).resolvedOptions().pluralCategories.toSorted();
    for (const [path, text] of leavesOf(pageStrings[locale])) {
      const parts = new IntlMessageFormat(text, locale, undefined, { ignoreTag: true }).getAst();
      const namesOf = (string: string) => [...string.matchAll(/\{(\w+)[,}]/g)].map(([, name]) => name);
      expect(new Set(namesOf(text)), path).toEqual(new Set(namesOf(englishLeaves.get(path) ?? '')));
      for (const part of parts)
        if ('pluralType' in part) expect(Object.keys(part.options).toSorted(), path).toEqual(categories);
      expect(text, path).not.toContain("'");
    }
  });

  test('numbers and words agree for 0 to 30 tries', () => {
    for (let triesLeft = 0; triesLeft <= 30; triesLeft += 1) {
      const source = codeEntryPage({
        ...frame,
        locale,
        action: '/c',
        hidden: {},
        problem: 'wrong',
        triesLeft,
      });
      expect(textOf(source)).not.toMatch(/[{}#]/);
    }
  });
});

const leavesOf = (value: object, path = ''): (readonly [string, string])[] =>
  Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'string'
      ? [[`${path}${key}`, inner] as const]
      : leavesOf(inner as object, `${path}${key}.`),
  );
const englishLeaves = new Map(leavesOf(pageStrings.en));

test.each([
  ['en', 1, 'You have 1 try left.'],
  ['en', 2, 'You have 2 tries left.'],
  ['pl', 1, 'Pozostała 1 próba.'],
  ['pl', 2, 'Pozostały 2 próby.'],
  ['pl', 5, 'Pozostało 5 prób.'],
  ['pl', 22, 'Pozostały 22 próby.'],
  ['ru', 1, 'Осталась 1 попытка.'],
  ['ru', 3, 'Осталось 3 попытки.'],
  ['ru', 5, 'Осталось 5 попыток.'],
  ['ru', 21, 'Осталась 21 попытка.'],
  ['ar', 0, 'لم تتبقَّ أي محاولة.'],
  ['ar', 1, 'تتبقى محاولة واحدة.'],
  ['ar', 2, 'تتبقى محاولتان.'],
  ['ar', 3, 'تتبقى 3 محاولات.'],
  ['ar', 11, 'تتبقى 11 محاولة.'],
  ['he', 2, 'נשארו שני ניסיונות.'],
  ['hi', 1, '1 कोशिश बाकी है।'],
  ['ja', 2, 'あと2回入力できます。'],
])('in %s, %i tries are "%s"', (locale, triesLeft, words) => {
  const source = codeEntryPage({ ...frame, locale, action: '/c', hidden: {}, problem: 'wrong', triesLeft });
  expect(readable(source)).toContain(words);
});

describe('a name of the other direction', () => {
  test('is isolated in sentences and not in the title', () => {
    const source = confirmationPage({ ...live, locale: 'ar' });
    expect(source).toContain('\u2068Acme\u2069');
    expect(/<title>[^<]*<\/title>/.exec(source)?.[0]).not.toMatch(/\p{Cf}/u);
    expect(confirmationPage({ ...live, brand: 'نور' })).toContain('\u2068نور\u2069');
    expect(confirmationPage(live)).not.toMatch(/[\u2066-\u2069]/);
  });
});

describe('a dead link', () => {
  test.each(['expired', 'superseded', 'locked'] as const)(
    'that is %s posts its token for a new mail',
    (state) => {
      const source = confirmationPage({ ...live, state, resendAction: '/v1/resend-by-token' });
      expect(source).toContain('<form method="post" action="/v1/resend-by-token">');
      expect(source).toContain(`name="token" value="${token}"`);
      expect(source).not.toContain('type="email"');
    },
  );

  test.each(['consumed', 'suspended', 'unknown'] as const)('that is %s offers none', (state) => {
    expect(confirmationPage({ ...live, state, resendAction: '/v1/resend-by-token' })).not.toContain('<form');
  });
});

describe('the form for a code', () => {
  const input = { ...frame, locale: 'ar', action: '/v1/code', hidden: { challenge: 'c1', purpose: 'sms' } };

  test('has one field that phones fill in, from left to right in every language', () => {
    const source = codeEntryPage(input);
    const fields = source.match(/<input\s(?![^>]*type="hidden")[^>]*>/g) ?? [];
    expect(fields).toHaveLength(1);
    for (const wanted of [
      'autocomplete="one-time-code"',
      'inputmode="numeric"',
      'name="code"',
      'dir="ltr"',
      'required',
    ])
      expect(fields[0]).toContain(wanted);
    // People paste spaces and dashes and type other digits: what is wrong is for the route to say.
    expect(fields[0]).not.toMatch(/pattern=|type="number"|minlength/);
    expect(source).toContain('<label for="code">');
    expect(source).toContain('name="challenge" value="c1"');
  });

  test('tells what was wrong to those who see it and to those who hear it', () => {
    const source = codeEntryPage({ ...input, problem: 'wrong', triesLeft: 2 });
    expect(source).toMatch(/<input[^>]*aria-invalid="true"[^>]*aria-describedby="wrong"/);
    expect(source).toMatch(/<p class="wrong" id="wrong" role="alert">/);
    expect(codeEntryPage(input)).not.toMatch(/<input[^>]*aria-invalid|role="alert"/);
  });
});

describe('the form for a password', () => {
  const input = {
    ...frame,
    purpose: 'recovery',
    action: '/v1/password',
    token,
    email: 'ana@example.com',
    minChars: 12,
  } as const;

  test('tells the password manager whose it is, and posts the token and the password only', () => {
    const source = passwordPage(input);
    expect(source).toMatch(
      /<input[^>]*type="email"[^>]*autocomplete="username"[^>]*value="ana@example.com"[^>]*hidden/,
    );
    expect([...source.matchAll(/<input[^>]*\sname="([^"]*)"/g)].map(([, name]) => name)).toEqual([
      'token',
      'password',
    ]);
    expect(source).toMatch(/type="password"[^>]*autocomplete="new-password"[^>]*minlength="12"/);
    expect(readable(source)).toContain('At least 12 characters.');
    expect(passwordPage({ ...input, email: null })).not.toContain('username');
  });

  test('says what was wrong with the last one', () => {
    expect(readable(passwordPage({ ...input, problem: 'too_short' }))).toContain('too short');
    const source = passwordPage({ ...input, problem: 'too_common' });
    expect(readable(source)).toContain('too easy to guess');
    expect(source).toMatch(/aria-describedby="wrong hint"\s+aria-invalid="true"/);
  });
});

test.each(['https://evil.example/x', '//evil.example', 'x', '', '/a"b', '/a?token=1', 'javascript:alert(1)'])(
  'a form can not go to %j',
  (action) => {
    expect(() => notMePage({ ...frame, token, action })).toThrow(RangeError);
    expect(() => confirmationPage({ ...live, action })).toThrow(RangeError);
  },
);

test('the answer to a request for a new mail tells nobody whether one was sent', () => {
  expect(readable(resentPage(frame))).toContain('If something is still to be confirmed');
});
