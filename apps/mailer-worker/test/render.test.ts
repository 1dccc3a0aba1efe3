import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  availableLocales,
  createRenderer,
  templateNames,
  type RenderedMail,
  type Renderer,
} from '../src/render.ts';

const link = 'https://app.example.com/verify?token=0123456789abcdef&next=%2Fhome';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await createRenderer({ brand: { name: 'Reconfirm' }, supportedLocales: availableLocales });
});

const renderSignup = (
  values: { link?: string; name?: string; lifetimeSeconds?: number } = {},
  locale = 'en',
): RenderedMail =>
  renderer.render({ template: 'signup', locale, values: { link, lifetimeSeconds: 86_400, ...values } });

const unescapeHtml = (html: string): string =>
  html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

const cartesian = templateNames.flatMap((template) =>
  availableLocales.map((locale) => [template, locale] as const),
);

describe.each(cartesian)('%s in %s', (template, locale) => {
  const render = () =>
    renderer.render({ template, locale, values: { link, name: 'Ana María', lifetimeSeconds: 86_400 } });

  test('is whole: no placeholder, key or format syntax is left in any output', () => {
    const { subject, html, text, locale: used } = render();
    expect(used).toBe(locale);
    for (const output of [subject, html.replace(/<style[\s\S]*?<\/style>/g, ''), text]) {
      expect(output).not.toMatch(/\{\{|\}\}|\{%|\[\[|\]\]|\{\w+\}|undefined|\[object/);
    }
    expect(subject.length).toBeGreaterThan(10);
  });

  test('says the lifetime, the name and the full link in both parts', () => {
    const { html, text } = render();
    for (const output of [unescapeHtml(html), text]) {
      expect(output).toContain('Ana María');
      expect(output).toContain(`24 ${locale === 'es' ? 'horas' : 'hours'}`);
      expect(output).toContain(link);
    }
    expect(unescapeHtml(html)).toContain(`>${link}</a>`);
    expect(text.split('\n')).toContain(link);
    expect(html.match(/href="([^"]*)"/g)?.every((href) => unescapeHtml(href) === `href="${link}"`)).toBe(
      true,
    );
  });

  test('names its language and direction, and both colour schemes', () => {
    const { html } = render();
    expect(html).toMatch(new RegExp(`<html[^>]* lang="${locale}" dir="ltr"`));
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
    expect(html).toContain('@media (prefers-color-scheme: dark)');
  });

  test('loads nothing from anywhere and holds no script', () => {
    const { html } = render();
    expect(html).not.toMatch(/<(?:img|script|iframe|object|embed|form|input|video|audio)\b/i);
    expect(html).not.toMatch(/<link\b|@import|url\(|\son\w+=/i);
    const urls = unescapeHtml(html).match(/https?:\/\/[^\s"'<>]+/g) ?? [];
    // The XHTML namespace is a name and is never fetched.
    expect([...new Set(urls)].filter((url) => url !== 'http://www.w3.org/1999/xhtml')).toEqual([link]);
  });
});

test('every locale has the same strings with the same arguments', async () => {
  const argumentsOf = (text: string): string[] =>
    [...new Set(text.match(/\{(?:brand|lifetime|name|hasName)\b/g))].toSorted();
  const read = async (locale: string): Promise<Record<string, Record<string, string>>> =>
    JSON.parse(await readFile(new URL(`../src/locales/${locale}.json`, import.meta.url), 'utf8'));
  const [first, ...others] = await Promise.all(availableLocales.map(read));
  const shapeOf = (strings: Record<string, Record<string, string>> | undefined) =>
    Object.entries(strings ?? {}).map(([template, texts]) => [
      template,
      Object.entries(texts).map(([key, text]) => [key, text.trim() !== '', argumentsOf(text)]),
    ]);
  for (const other of others) expect(shapeOf(other)).toEqual(shapeOf(first));
});

test('a locale without a file stops the start', async () => {
  await expect(createRenderer({ brand: { name: 'x' }, supportedLocales: ['en', 'tlh'] })).rejects.toThrow(
    /tlh/,
  );
});

test.each([
  ['es-MX', 'es'],
  ['fr', 'en'],
  ['nonsense tag', 'en'],
])('a reader who asks for %s gets %s', (wanted, locale) => {
  expect(renderSignup({}, wanted).locale).toBe(locale);
});

test('an unknown template is a fault', () => {
  expect(() =>
    renderer.render({ template: '../x', locale: 'en', values: { link, lifetimeSeconds: 1 } }),
  ).toThrow();
});

describe('the link', () => {
  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://x.example',
    '//x.example',
    'x',
    '',
    'file:///etc/passwd',
  ])('%j is refused', (bad) => expect(() => renderSignup({ link: bad })).toThrow(/http/));

  test('can not leave its attribute, its line or its element', () => {
    const { html, text } = renderSignup({
      link: 'https://a.example/"><script>x</script>\r\nBcc: y?q=\'`{{ subject }}',
    });
    expect(html).not.toContain('<script>');
    expect(html).not.toMatch(/href="[^"]*[<>\s][^"]*"/);
    expect(text).not.toMatch(/^Bcc/m);
  });
});

describe('a hostile name comes out inert', () => {
  test.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '</mj-text><mj-image src="x"/>',
    '{{ link }}',
    "{% include '/etc/passwd' %}",
    '{{ "x" | raw }}',
    '{link} {hasName, select, other {x}}',
    'Ana\r\nBcc: victim',
    '\u202egro.live',
    'Click http://evil.example now',
    'evil.example',
    'www.evil.example',
    'mallory@evil.example',
    '&#60;b&#62;',
    'A'.repeat(10_000),
  ])('%j', async (name) => {
    const { subject, html, text } = renderSignup({ name });
    const plain = renderSignup();
    const tagsOf = (markup: string): string[] => markup.match(/<[^>]*>/g) ?? [];
    expect(tagsOf(html)).toEqual(tagsOf(plain.html));
    expect(text.match(/\S+[:/@.]\S+/g)).toEqual(plain.text.match(/\S+[:/@.]\S+/g));
    expect(text.split('\n')).toHaveLength(plain.text.split('\n').length);
    expect(subject).toBe(plain.subject);
    expect(text.length).toBeLessThan(plain.text.length + 60);
    expect(`${html}${text}`).not.toMatch(/evil\.example|\u202e|[\r]|\{\{|\{%/);
  });

  test('whatever it is', () => {
    const plain = renderSignup();
    const tagsOf = (markup: string): number => markup.match(/[<>]/g)?.length ?? 0;
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (name) => {
        const { html, text, subject } = renderSignup({ name });
        expect(tagsOf(html)).toBe(tagsOf(plain.html));
        expect(text.split('\n')).toHaveLength(plain.text.split('\n').length);
        expect(subject).toBe(plain.subject);
      }),
      { numRuns: 300 },
    );
  });
});

test('a hostile brand is text everywhere and one line in the subject', async () => {
  const name = `<b>{{ link }}</b>\r\nBcc: x ${'long '.repeat(100)}`;
  const branded = await createRenderer({ brand: { name }, supportedLocales: ['en'] });
  const { subject, html } = branded.render({
    template: 'signup',
    locale: 'en',
    values: { link, lifetimeSeconds: 60 },
  });
  expect(subject).not.toMatch(/[\p{Cc}]/u);
  expect(subject.length).toBeLessThanOrEqual(200);
  expect(html).not.toMatch(/<b>/);
  expect(html).toContain('&lt;b&gt;{{ link }}&lt;/b&gt;');
});

test('of 1,000 readers nobody meets a value of another', () => {
  const readers = Array.from({ length: 1000 }, (_, index) => ({
    name: `Reader ${String(index).replace(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)))}q`,
    link: `https://app.example.com/verify?token=${(index + 1).toString(16).padStart(8, '0')}ffffffff`,
    lifetimeSeconds: 60 * (index + 1),
    locale: index % 2 === 0 ? 'en' : 'es',
  }));
  const mails = readers.map(({ locale, ...values }) => renderSignup(values, locale));
  mails.forEach(({ html, text }, index) => {
    for (const output of [html, text]) {
      const tokens = new Set(output.match(/[0-9a-f]{8}ffffffff/g));
      const names = new Set(output.match(/Reader [a-j]+q/g));
      expect([...tokens]).toEqual([readers[index]?.link.slice(-16)]);
      expect([...names]).toEqual([readers[index]?.name]);
    }
  });
});

test('both parts survive a mail program', async () => {
  const { subject, html, text } = renderSignup({ name: 'Ñandú' }, 'es');
  const raw = [
    `Subject: =?utf-8?B?${Buffer.from(subject).toString('base64')}?=`,
    'Content-Type: multipart/alternative; boundary=b',
    '',
    ...[['plain', text] as const, ['html', html] as const].flatMap(([type, body]) => [
      '--b',
      `Content-Type: text/${type}; charset=utf-8`,
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from(body).toString('base64'),
    ]),
    '--b--',
  ].join('\r\n');
  const email = await PostalMime.parse(raw);
  expect(email.subject).toBe(subject);
  expect(email.text?.trim()).toBe(text.trim());
  expect(email.html?.trim()).toBe(html.trim());
});

test('filling in a mail costs under 2 ms of processor time, because MJML ran at the start', () => {
  const count = 1000;
  const before = process.cpuUsage();
  for (let index = 0; index < count; index += 1) {
    renderSignup({ name: `Ana ${index}`, link: `${link}${index}` }, index % 2 === 0 ? 'en' : 'es');
  }
  const used = process.cpuUsage(before);
  expect((used.user + used.system) / 1000 / count).toBeLessThan(2);
});
