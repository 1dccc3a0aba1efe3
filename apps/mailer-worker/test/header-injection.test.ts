import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { parseEmailAddress } from '@reconfirm/core/account';
import { describe, expect, test } from 'vitest';
import { assembleMessage, composeMessage, isAddrSpec } from '../src/transports/smtp-message.ts';
import { exampleMail } from './smtp-mail.ts';

/** `FULL_RUNS=on`: as many as are promised; every day a twentieth, for the suite's sake. */
const mails = process.env['FULL_RUNS'] === 'on' ? 20_000 : 1000;

const breaks = ['\r\n', '\n', '\r', '\u2028', '\u2029', '\u0085', '\u0000', '\v', '\f', '\r\n ', '\r\n\t'];
const headers = [
  'Bcc: victim@y.example',
  'To: victim@y.example',
  'Subject: other',
  'Content-Type: text/html',
  '',
];
const pieces = fc.oneof(
  fc.constantFrom(
    ...breaks,
    ...headers,
    '@',
    ',',
    ';',
    '<',
    '>',
    '"',
    '\\',
    '(',
    ')',
    ':',
    '=?utf-8?Q?',
    '?=',
    '=0D=0A',
  ),
  fc.constantFrom('a', 'Z', '.', ' ', 'é', '😀', '\u202e', '\u200d', 'a@x.example', '%0d%0aBcc: v@y.example'),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const texts = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(''));
const address = fc
  .tuple(
    fc.array(fc.oneof(fc.constantFrom(..."abc.+-_'!#$%&*/=?^`{|}~é用"), pieces), {
      minLength: 1,
      maxLength: 6,
    }),
    fc.constantFrom(
      'x.example',
      'bücher.example',
      'x.example\r\nBcc: v@y.example',
      'x.example, v@y.example',
      '[127.0.0.1]',
    ),
  )
  .map(([local, domain]) => `${local.join('')}@${domain}`);

/** Every header that a mail of ours has, and no other. */
const expectedHeaders = [
  'auto-submitted',
  'content-type',
  'date',
  'from',
  'message-id',
  'mime-version',
  'reply-to',
  'subject',
  'to',
  'x-auto-response-suppress',
  'x-entity-ref-id',
];

/** Behind a local part beyond ASCII the domain travels in its own letters, too (RFC 6532). */
const asciiDomain = (spelling = ''): string => spelling.replace(/[^@]*$/, (domain) => domainToASCII(domain));

/** What is wrong with a mail as a mail program reads it; undefined: nothing. */
const injected = async (bytes: Buffer, to: string): Promise<string | undefined> => {
  const email = await PostalMime.parse(bytes);
  const names = email.headers.map(({ key }) => key).toSorted();
  if (names.join() !== expectedHeaders.join()) return `headers ${names.join()}`;
  const recipients = [...(email.to ?? []), ...(email.cc ?? []), ...(email.bcc ?? [])];
  if (recipients.length !== 1) return `${recipients.length} recipients`;
  if (asciiDomain(recipients[0]?.address) !== to) return `to ${recipients[0]?.address}`;
  if (email.from?.address !== 'no-reply@mail.example.com') return `from ${email.from?.address}`;
  if (email.replyTo?.[0]?.address !== 'help@example.com') return `replies to ${email.replyTo?.[0]?.address}`;
  if (email.attachments.length > 0) return 'an attachment';
  if (email.text?.trim() !== 'plain') return `text ${email.text}`;
  return undefined;
};

describe('whatever stands where a caller or an operator can put it', () => {
  test('no address that is read holds what SMTP or a header would split', () => {
    let read = 0;
    fc.assert(
      fc.property(fc.oneof(address, texts, fc.emailAddress()), (typed) => {
        const parsed = parseEmailAddress(typed);
        if (parsed === undefined) return;
        read += 1;
        // As Kratos' fuzz test of its validator has it: one @, no line, no list, no name around it.
        expect(parsed.address).not.toMatch(/[\s,;<>()[\]"\\:\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(parsed.address.split('@')).toHaveLength(2);
        expect(isAddrSpec(parsed.address)).toBe(true);
      }),
      { numRuns: mails },
    );
    expect(read).toBeGreaterThan(mails / 10);
  });

  test('a mail goes to one recipient, and has the headers of every mail and no other', async () => {
    const to = fc.oneof(
      fc.constant('reader@example.org'),
      fc.oneof(address, fc.emailAddress()).filter((typed) => parseEmailAddress(typed) !== undefined),
    );
    await fc.assert(
      fc.asyncProperty(to, texts, texts, texts, async (typed, subject, name, replyName) => {
        const recipient = parseEmailAddress(typed)?.address ?? '';
        const message = composeMessage(
          exampleMail({
            to: recipient,
            // Without one there is no such header.
            subject: `s${subject}`,
            from: { name, address: 'no-reply@mail.example.com' },
            replyTo: { name: replyName, address: 'help@example.com' },
            text: 'plain',
          }),
          'bounces@mail.example.com',
        );
        const assembled = assembleMessage(message);
        expect([assembled.from, asciiDomain(assembled.to)]).toEqual(['bounces@mail.example.com', recipient]);
        expect(await injected(assembled.bytes, recipient)).toBeUndefined();
      }),
      { numRuns: mails },
    );
  });

  test.each([
    '=?utf-8?B?aHR0cDovL2V2aWwuZXhhbXBsZQ==?=',
    'Join =?utf-8?Q?=0D=0ABcc:_x?= now',
    '=?=?utf-8?q?a?=?=',
  ])('%s is read as it was written, and not as what it would encode', async (written) => {
    const name = { name: written, address: 'no-reply@mail.example.com' };
    const message = composeMessage(
      exampleMail({ subject: written, from: name, replyTo: name }),
      'bounces@mail.example.com',
    );
    const { subject, from, replyTo } = await PostalMime.parse(assembleMessage(message).bytes);
    const seen = [subject, from?.name, replyTo?.[0]?.name].map((value) => value?.replaceAll('\u2060', ''));
    expect(seen).toEqual([written, written, written]);
  });

  test.each([
    ['a header more', 'Subject: ', 'Bcc: victim@y.example\r\nSubject: '],
    ['a second recipient', 'To: reader@example.org', 'To: reader@example.org, victim@y.example'],
    ['a header less', /^MIME-Version.*\r\n/m, ''],
    ['an end of the headers before their end', 'Message-ID: ', '\r\nMessage-ID: '],
  ])('the check sees %s', async (_what, before, after) => {
    const { bytes } = assembleMessage(composeMessage(exampleMail({ text: 'plain' }), 'b@mail.example.com'));
    expect(await injected(bytes, 'reader@example.org')).toBeUndefined();
    const changed = bytes.toString().replace(before, after);
    expect(changed).not.toBe(bytes.toString());
    expect(await injected(Buffer.from(changed), 'reader@example.org')).toBeDefined();
  });
});
