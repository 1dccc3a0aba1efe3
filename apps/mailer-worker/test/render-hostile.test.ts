import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { supportedLocales } from '@reconfirm/core/locale';
import { plainConfirmingTemplate, type RenderRequest, templateNames } from '../src/render-request.ts';
import { createRenderer, type RenderedMail, type Renderer } from '../src/render.ts';
import { fullMails, link, linkable, notMeLink, wordsOf } from './support/mail-samples.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await createRenderer({ brand: { name: 'Reconfirm' }, supportedLocales });
});

/** The same text wherever a caller can put one. */
const withCallersText = (
  template: (typeof templateNames)[number],
  text: string | undefined,
): RenderRequest => {
  const full = fullMails[template];
  if (full.template === 'invitation') {
    const values = { ...full.values, name: text, organizationName: text ?? '', inviterName: text };
    return { ...full, values, locale: 'en' };
  }
  const withAddress = { name: text, newAddressMasked: text ?? '' };
  if (full.template === 'email_change_current')
    return { ...full, values: { ...full.values, ...withAddress }, locale: 'en' };
  if (full.template === 'email_changed')
    return { ...full, values: { ...full.values, ...withAddress }, locale: 'en' };
  return { ...full, values: { ...full.values, name: text }, locale: 'en' } as RenderRequest;
};

const hostileTexts = [
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
  'Click hxxp://evil.example now',
  'evil.example',
  'evil .example',
  'WWW.EVIL.EXAMPLE',
  'w\u200bww.evil.example',
  'evil。example',
  'evil．example',
  'ｅｖｉｌ．ｅｘａｍｐｌｅ',
  'ｈｔｔｐ：／／evil',
  'пример.рф',
  'उदाहरण.भारत',
  't.me/evil',
  'mallory@evil.example',
  'mallory＠evil．example',
  'mailto:mallory@evil.example',
  'tel:+19005550199',
  'call 900 555 0199',
  '//evil.example/x',
  '\\\\evil.example\\x',
  'evil.example:8080',
  '1.2.3.4/evil',
  'xn--80ak6aa92e.com',
  '&#60;b&#62;',
  '&lt;a href=x&gt;',
  'A'.repeat(1000),
  '',
];

const inMail = ({ subject, html, text }: RenderedMail): readonly string[] => [
  subject,
  wordsOf(html).replaceAll(link, '').replaceAll(notMeLink, ''),
  text.replaceAll(link, '').replaceAll(notMeLink, ''),
];

/** The label of the whole mail is its subject, in which an invitation names the organization. */
const tagsOf = (markup: string): string[] =>
  markup.replace(/\baria-label="[^"]*"/g, '').match(/<[^>]*>/g) ?? [];

describe.each(templateNames)('a caller’s text in %s is inert', (template) => {
  test.each(hostileTexts)('%j', (hostile) => {
    const mail = renderer.render(withCallersText(template, hostile));
    const plain = renderer.render(withCallersText(template, undefined));
    expect(tagsOf(mail.html)).toEqual(tagsOf(plain.html));
    for (const words of inMail(mail)) {
      expect(words.match(linkable)).toBeNull();
      expect(words).not.toMatch(/[\u202a-\u202e\u200b\r]|\{\{|\{%/);
      expect(words).not.toMatch(/\d{3} ?\d{4}|\+\d/);
    }
    expect(mail.subject).not.toMatch(/\p{Cc}/u);
    expect(mail.text.length).toBeLessThan(plain.text.length + 500);
    expect(mail.text).not.toMatch(/^Bcc/m);
  });

  test('whatever it is', () => {
    const plain = renderer.render(withCallersText(template, undefined));
    const pieces = fc.constantFrom(
      'a',
      'Z',
      '.',
      '/',
      ':',
      '@',
      ' ',
      '\n',
      '。',
      '\u200b',
      '<',
      '&',
      '1',
      '{',
      'www',
      'com',
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: pieces, maxLength: 30 }), fc.string({ maxLength: 60 })),
        (text) => {
          const mail = renderer.render(withCallersText(template, text));
          expect(tagsOf(mail.html)).toHaveLength(tagsOf(plain.html).length);
          for (const words of inMail(mail)) expect(words.match(linkable)).toBeNull();
        },
      ),
      { numRuns: 100 },
    );
  });
});

test('the check sees a link where there is one', () => {
  for (const text of ['see http://x', 'www.x', 'a@b', 'evil.example', 'пример.рф', 'mailto:x'])
    expect(text.match(linkable), text).not.toBeNull();
  for (const text of ['J. R. Smith', 'Acme, Inc.', '15 min.', 'n•••@\u2060e•••.\u2060org'])
    expect(text.match(linkable), text).toBeNull();
});

test('a hostile brand is text everywhere and one line in the subject', () => {
  const name = `<b>{{ link }}</b>\r\nBcc: x ${'long '.repeat(100)}`;
  const { subject, html, text } = renderer.render({
    template: 'signup',
    locale: 'en',
    brand: { name },
    values: { link, lifetimeSeconds: 60, policy: 'newest_only' },
  });
  expect(subject).not.toMatch(/[\p{Cc}]/u);
  expect(subject.length).toBeLessThanOrEqual(200);
  expect(html).not.toMatch(/<b>/);
  expect(html).toContain('&lt;b&gt;{{ link }}&lt;/b&gt;');
  expect(text).not.toMatch(/^Bcc/m);
});

const renderSignup = (to: string): RenderedMail =>
  renderer.render({
    template: 'signup',
    locale: 'en',
    values: { link: to, lifetimeSeconds: 60, policy: 'newest_only' },
  });

describe('what would harm the reader is refused', () => {
  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://x.example',
    '//x.example',
    'x',
    '',
    'file:///etc/passwd',
  ])('the link %j', (bad) => {
    expect(() => renderSignup(bad)).toThrow(/http/);
    const { values } = fullMails.signup;
    expect(() =>
      renderer.render({ ...fullMails.signup, locale: 'en', values: { ...values, notMeLink: bad } }),
    ).toThrow(/http/);
  });

  test.each(['', '123', '12345678901', '12 34', '123-456', 'abcdef', '１２３４５６', '123456\n'])(
    'the code %j',
    (bad) => {
      const values = { code: bad, lifetimeSeconds: 60, policy: 'newest_only' } as const;
      expect(() => renderer.render({ template: 'signup', locale: 'en', values })).toThrow(/digits/);
    },
  );

  test('a template that only another version knows', () => {
    expect(() => plainConfirmingTemplate('invitation')).toThrow(/invitation/);
  });
});

test('a link can not leave its attribute, its line or its element', () => {
  const { html, text } = renderSignup('https://a.example/"><script>x</script>\r\nBcc: y?q=\'`{{ subject }}');
  expect(html).not.toContain('<script>');
  expect(html).not.toMatch(/href="[^"]*[<>\s][^"]*"/);
  expect(text).not.toMatch(/^Bcc/m);
});
