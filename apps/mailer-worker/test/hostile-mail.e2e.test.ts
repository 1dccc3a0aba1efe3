import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSystem, type System } from './model/system.ts';
import type { ReceivedMail } from './smtp-inbox.ts';
import { linkable, wordsOf } from './support/mail-samples.ts';

const publicUrl = 'https://verify.example.com';
const appOrigin = 'https://app.example.com';
/** What an operator, or an organization that names itself, could put above every mail. */
const brand = '"><b>Evil</b> {{ link }} =?utf-8?Q?=0D=0ABcc:_x?=';

let system: System;
beforeAll(async () => {
  system = await openSystem({
    BRAND_NAME: brand,
    REDIRECT_ORIGINS: appOrigin,
    MAIL_FROM: 'Evil {{ link }} =?utf-8?Q?=0ABcc:_x?= <no-reply@mail.example.com>',
  });
}, 120_000);
afterAll(() => system[Symbol.asyncDispose]());

let people = 0;

/** Registers somebody with these values; the mail that comes of it, or null when the API takes no such values. */
const mailOf = async (values: object): Promise<ReceivedMail | null> => {
  people += 1;
  const email = `person-${people}@example.org`;
  const { status } = await system.post('/v1/register', { email, ...values });
  if (status !== 201) {
    expect(status).toBe(400);
    return null;
  }
  const newest = (await system.rows()).at(-1)?.id ?? '';
  await system.hear([newest]);
  const before = system.mails.length;
  await system.work(0, 'takes', 'none');
  expect(system.mails).toHaveLength(before + 1);
  const mail = system.mails[before];
  expect(mail?.recipients).toEqual([email]);
  return mail ?? null;
};

const tagsOf = ({ email }: ReceivedMail): readonly string[] =>
  ((email.html ?? '').replace(/\b(?:aria-label|href)="[^"]*"/g, '').match(/<\/?[a-z][^>]*>/gi) ?? []).map(
    (tag) => tag.split(/[\s>]/, 1)[0] ?? '',
  );

const signs: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#34': '"',
};

const linksOf = ({ email }: ReceivedMail): readonly string[] =>
  [...(email.html ?? '').matchAll(/href="([^"]*)"/g)].map(([, link]) =>
    (link ?? '').replaceAll(/&(#?\w+);/g, (entity, name: string) => signs[name] ?? entity),
  );

const wordsBesideLinks = (mail: ReceivedMail): readonly string[] => {
  const links = linksOf(mail);
  const without = (text: string): string => links.reduce((rest, link) => rest.replaceAll(link, ''), text);
  return [
    mail.email.subject ?? '',
    without(wordsOf(mail.email.html ?? '')),
    without(mail.email.text ?? ''),
  ].map((text) => text.replaceAll(brand, ''));
};

const hostile = fc.oneof(
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '</td></table><a href="https://evil.example">here</a>',
    '{{ link }}{% include x %}',
    'Ana\r\nBcc: victim@y.example',
    'Ana, victim@y.example',
    '=?utf-8?B?PGI+?=',
    'http://evil.example',
    'evil.example',
    '\u202egro.elpmaxe.live',
  ),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
const values = fc.record(
  {
    name: hostile,
    locale: fc.oneof(fc.constantFrom('es', 'ar', 'zh-Hant', 'xx', '../en', 'en\r\nX: y'), hostile),
    verificationRedirectUrl: fc.oneof(
      fc.constantFrom(
        `${appOrigin}/verify?a="><script>`,
        `${appOrigin}/'onmouseover='alert(1)`,
        `${appOrigin}/?token=mine&x={{link}}`,
        `${appOrigin}/<b>`,
        'https://evil.example/',
        'javascript:alert(1)',
      ),
      hostile.map((text) => `${appOrigin}/${text}`),
    ),
  },
  { requiredKeys: ['name'] },
);

test('nothing that a request or an operator says becomes a header, a recipient, a tag or a link of the mail that arrives', async ({
  annotate,
}) => {
  const plain = await mailOf({ name: 'Ana' });
  if (plain === null) throw new Error('an ordinary name was refused');
  const headers = plain.email.headers.map(({ key }) => key);
  const seen = { mails: 0, refused: 0 };
  const tags = new Map([['en', tagsOf(plain)]]);
  await fc.assert(
    fc.asyncProperty(values, async (given) => {
      const mail = await mailOf(given);
      seen[mail === null ? 'refused' : 'mails'] += 1;
      if (mail === null) return;
      expect(mail.email.headers.map(({ key }) => key)).toEqual(headers);
      expect(mail.email.from).toEqual(plain.email.from);
      expect(mail.email.attachments).toEqual([]);
      const language = /<html[^>]*\blang="([^"]*)"/.exec(mail.email.html ?? '')?.[1] ?? '';
      const expected =
        tags.get(language) ?? tagsOf((await mailOf({ name: 'Ana', locale: language })) ?? plain);
      tags.set(language, expected);
      expect(tagsOf(mail)).toEqual(expected);
      for (const link of linksOf(mail)) expect([publicUrl, appOrigin]).toContain(new URL(link).origin);
      for (const words of wordsBesideLinks(mail)) expect(words.match(linkable)).toBeNull();
    }),
    // Each is a request, a delivery and a mail that is parsed: 20 ms, and far more where the machine is busy.
    { numRuns: 150, interruptAfterTimeLimit: 20_000 },
  );
  await annotate(`${seen.mails} mails, ${seen.refused} refused`);
  expect(seen.mails).toBeGreaterThan(0);
}, 120_000);
