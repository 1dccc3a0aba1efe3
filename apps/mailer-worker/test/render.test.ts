import PostalMime from 'postal-mime';
import { beforeAll, describe, expect, test } from 'vitest';
import { isRightToLeft, supportedLocales } from '@reconfirm/core/locale';
import { templateNames } from '../src/render-request.ts';
import { createRenderer, type RenderedMail, type Renderer } from '../src/render.ts';
import {
  code,
  confirmingTemplates,
  fullMails,
  link,
  maskedNew,
  notices,
  notMeLink,
  unescapeHtml,
  wordsOf,
} from './support/mail-samples.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await createRenderer({ brand: { name: 'Reconfirm' }, supportedLocales });
});

const renderSignup = (
  values: { link?: string; name?: string; lifetimeSeconds?: number } = {},
  locale = 'en',
): RenderedMail =>
  renderer.render({
    template: 'signup',
    locale,
    values: { link, lifetimeSeconds: 86_400, policy: 'newest_only', ...values },
  });

const templatesByLocale = templateNames.flatMap((template) =>
  supportedLocales.map((locale) => [template, locale] as const),
);

describe.each(templatesByLocale)('%s in %s', (template, locale) => {
  const render = () => renderer.render({ ...fullMails[template], locale });

  test('is whole: no placeholder, key or format syntax is left in any output', () => {
    const { subject, html, text, locale: used } = render();
    expect(used).toBe(locale);
    for (const output of [subject, html.replace(/<style[\s\S]*?<\/style>/g, ''), text]) {
      expect(output).not.toMatch(/[{}]|\[\[|\]\]|undefined|\[object|\bnull\b/);
    }
    expect(subject.length).toBeGreaterThan(5);
    expect(html).not.toContain('#0b01d');
    expect(text).not.toMatch(/\n{3}|[ \t]$/m);
  });

  test('names its language and direction everywhere, and both colour schemes', () => {
    const { html } = render();
    const [wanted, other] = isRightToLeft(locale) ? ['rtl', 'ltr'] : ['ltr', 'rtl'];
    expect(html).toMatch(new RegExp(`<html[^>]* lang="${locale}" dir="${wanted}"`));
    expect(html).toMatch(new RegExp(`<div[^>]* lang="${locale}" dir="${wanted}"`));
    // MJML writes `direction:ltr` into every section and column unless it is told.
    expect(html).not.toContain(`direction:${other}`);
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
    expect(html).toContain('@media (prefers-color-scheme: dark)');
  });

  test('loads nothing from anywhere, holds no script, and leads to its own links only', () => {
    const { html, text } = render();
    expect(html).not.toMatch(/<(?:img|script|iframe|object|embed|form|input|video|audio)\b/i);
    expect(html).not.toMatch(/<link\b|@import|url\(|\son\w+=/i);
    for (const output of [unescapeHtml(html), text]) {
      const urls = output.match(/https?:\/\/[^\s"'<>]+/g) ?? [];
      // The XHTML namespace is a name and is never fetched.
      const reached = new Set(urls.filter((url) => url !== 'http://www.w3.org/1999/xhtml'));
      expect(reached).toEqual(new Set([link, notMeLink]));
    }
  });

  test('shows the whole link in both parts, on its own line and from left to right', () => {
    const { html, text } = render();
    expect(unescapeHtml(html)).toMatch(/<bdi dir="ltr"><a href="[^"]+"[^>]*>https:/);
    expect(unescapeHtml(html)).toContain(`>${link}</a></bdi>`);
    expect(text.split('\n')).toContain(link);
    expect(text.split('\n')).toContain(notMeLink);
  });

  test('both parts say the same', () => {
    const { html, text } = render();
    const words = wordsOf(html).replace(/\s+/g, ' ');
    const onlyInText = text
      .split('\n')
      .filter((line) => line !== '' && line !== notMeLink)
      .filter((line) => !words.includes(line.replace(/\s+/g, ' ')));
    // The invitation to open the link; HTML has the button and the fallback in its place.
    expect(onlyInText).toHaveLength(1);
  });

  test('the preview says what it is about, and no code', () => {
    const preview = /<div style="display:none[^"]*">([^<]*)<\/div>/.exec(render().html)?.[1] ?? '';
    expect(preview.length).toBeGreaterThan(15);
    expect(preview).not.toContain(code);
  });
});

const confirmingByLocale = confirmingTemplates.flatMap((template) =>
  supportedLocales.map((locale) => [template, locale] as const),
);

describe.each(confirmingByLocale)('the code of %s in %s', (template, locale) => {
  const { values } = fullMails[template];
  const render = () => renderer.render({ ...fullMails[template], locale });

  test('stands alone: on its line of the text, within its first 100 characters, and in its own element', () => {
    const { html, text } = render();
    expect(text.split('\n')).toContain(code);
    expect(text.indexOf(code) + code.length).toBeLessThanOrEqual(100);
    expect(text.split(code)).toHaveLength(2);
    expect(html.match(new RegExp(`<bdi dir="ltr"[^>]*>${code}</bdi>`, 'g'))).toHaveLength(1);
    expect(wordsOf(html).split(code)).toHaveLength(2);
  });

  test('lifetimes and older mails are told in both parts, differently by policy', () => {
    const few = renderer.render({
      ...fullMails.signup,
      locale,
      values: { ...fullMails.signup.values, policy: 'newest_few' },
    });
    const only = renderer.render({ ...fullMails.signup, locale });
    expect(few.text).not.toBe(only.text);
    for (const { html, text } of [render(), few])
      for (const output of [html, text]) {
        expect(output).toMatch(/24/);
        expect(output).toMatch(/15/);
      }
  });

  test('there is no trace of it in a mail that has a link alone', () => {
    const { html, text, subject } = renderer.render({
      template: 'signup',
      locale,
      values: { ...values, code: undefined },
    });
    for (const output of [wordsOf(html), text, subject]) expect(output).not.toMatch(/402816/);
    expect(html).not.toContain('class="box"');
    expect(text.split('\n')).toContain(link);
  });

  test('a mail that has a code alone has no button and no link', () => {
    const { html, text } = renderer.render({
      template: 'recovery',
      locale,
      values: { code, lifetimeSeconds: 900, policy: 'newest_only' },
    });
    expect(html).not.toMatch(/<a\s/);
    expect(text).not.toMatch(/https?:/);
    expect(text.split('\n')).toContain(code);
  });
});

describe('the subject', () => {
  test.each(supportedLocales)('in %s names the code where a locked screen may show it', (locale) => {
    const subjects = Object.fromEntries(
      confirmingTemplates.map((template) => [
        template,
        renderer.render({ ...fullMails[template], locale }).subject,
      ]),
    );
    const withCode = Object.keys(subjects).filter((template) => subjects[template]?.includes(code));
    expect(withCode).toEqual(['signup', 'magiclink', 'email_change']);
    for (const template of withCode)
      expect(subjects[template]).toMatch(new RegExp(`(^|\\s|:)${code}(\\s|$)`));
  });

  test('names it for the mails that the operator chose', async () => {
    const chosen = await createRenderer({
      brand: { name: 'x' },
      supportedLocales: ['en'],
      codeInSubject: ['magiclink'],
    });
    expect(chosen.render({ ...fullMails.signup, locale: 'en' }).subject).toBe(
      'Confirm your email address for x',
    );
    expect(chosen.render({ ...fullMails.magiclink, locale: 'en' }).subject).toBe(
      `${code} is your code for x`,
    );
  });
});

describe.each(supportedLocales)('in %s', (locale) => {
  test('every notice does without a link, and no two templates read the same', () => {
    for (const template of notices) {
      const { html, text } = renderer.render({ template, locale, values: {} });
      expect(html).not.toMatch(/<a\s/);
      expect(text).not.toMatch(/https?:/);
    }
    const texts = templateNames.map((template) => renderer.render({ ...fullMails[template], locale }).text);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test('the new address is shown masked, on its own line, and is no link', () => {
    for (const template of ['email_change_current', 'email_changed'] as const) {
      const { html, text } = renderer.render({ ...fullMails[template], locale });
      expect(text.replaceAll('\u2060', '').split('\n')).toContain(maskedNew);
      expect(html.replaceAll('\u2060', '')).toContain(
        `<bdi dir="ltr" style="font-weight:700">${maskedNew}</bdi>`,
      );
      expect(text).not.toContain(maskedNew);
    }
  });

  test('names of the other direction are isolated in the body, and no subject has an invisible sign', () => {
    const name = isRightToLeft(locale) ? 'Zoe' : 'נועה';
    const { text, subject } = renderer.render({
      ...fullMails.invitation,
      locale,
      values: { ...fullMails.invitation.values, inviterName: name, organizationName: name },
    });
    expect(text).toContain(`\u2068${name}\u2069`);
    expect(subject).toContain(name);
    expect(subject).not.toMatch(/\p{Cf}/u);
  });
});

test('a name that ends in a stop ends its sentence too', () => {
  const values = { ...fullMails.invitation.values, organizationName: 'Acme, Inc.' };
  expect(renderer.render({ ...fullMails.invitation, locale: 'en', values }).text).toMatch(
    /join Acme, Inc\.\n/,
  );
  expect(renderer.render({ ...fullMails.invitation, locale: 'ar', values }).text).toMatch(
    /Acme, Inc\.\u2069\n/,
  );
});

test.each([
  ['es-MX', 'es'],
  ['pt-PT', 'pt-BR'],
  ['iw', 'he'],
  ['zh-TW', 'zh-Hans'],
  ['sw', 'en'],
  ['nonsense tag', 'en'],
])('a reader who asks for %s gets %s', (wanted, locale) => {
  expect(renderSignup({}, wanted).locale).toBe(locale);
});

test('of 1,000 readers nobody meets a value of another', () => {
  const spell = (index: number): string =>
    String(index).replace(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)));
  const readers = Array.from({ length: 1000 }, (_, index) => ({
    name: `Reader ${spell(index)}q`,
    link: `https://app.example.com/verify?token=${(index + 1).toString(16).padStart(8, '0')}ffffffff`,
    code: String(900_000 + index),
    brand: { name: `Brand ${spell(index)}q` },
  }));
  const mails = readers.map(({ brand, ...values }, index) =>
    renderer.render({
      template: 'signup',
      locale: supportedLocales[index % supportedLocales.length],
      brand,
      values: { ...values, lifetimeSeconds: 60 * (index + 1), policy: 'newest_only' },
    }),
  );
  mails.forEach(({ html, text, subject }, index) => {
    const reader = readers[index];
    for (const output of [html, text]) {
      expect(new Set(output.match(/[0-9a-f]{8}ffffffff/g))).toEqual(new Set([reader?.link.slice(-16)]));
      expect(new Set(output.match(/Reader [a-j]+q/g))).toEqual(new Set([reader?.name]));
      expect(new Set(output.match(/\b9\d{5}\b/g))).toEqual(new Set([reader?.code]));
      expect(new Set(output.match(/Brand [a-j]+q/g))).toEqual(new Set([reader?.brand.name]));
    }
    expect(subject).toContain(reader?.code);
  });
});

test('both parts survive a mail program', async () => {
  const { subject, html, text } = renderer.render({ ...fullMails.invitation, locale: 'ar' });
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
    const locale = supportedLocales[index % supportedLocales.length];
    const values = { ...fullMails.signup.values, name: `Ana ${index}`, link: `${link}${index}` };
    renderer.render({ template: 'signup', locale, values });
  }
  const used = process.cpuUsage(before);
  expect((used.user + used.system) / 1000 / count).toBeLessThan(2);
});
