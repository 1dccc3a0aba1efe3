import fc from 'fast-check';
import type { SendMailOptions } from 'nodemailer';
import MailComposer from 'nodemailer/lib/mail-composer';
import { describe, expect, test } from 'vitest';
import { assembleMessage, composeMessage } from '../src/transports/smtp-message.ts';
import type { OutgoingMail } from '../src/transports/transport.ts';
import { exampleMail } from './smtp-mail.ts';

/** Two compositions of one mail differ in nothing else. */
const baseBoundary = 'the-same-for-both';

const composed = (changes: Partial<OutgoingMail>): SendMailOptions => ({
  ...composeMessage(exampleMail(changes), 'bounces@mail.example.com'),
  date: new Date('2026-11-25T12:00:00Z'),
  baseBoundary,
});

/** nodemailer's connection makes CRLF of every other end of a line. */
const asSent = (message: string): string => message.replace(/\r\n|\r|\n/g, '\r\n');

/** What nodemailer sends when it is left to itself. */
const builtByNodemailer = (message: SendMailOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    new MailComposer(message)
      .compile()
      .build((error, bytes) => (error ? reject(error) : resolve(asSent(bytes?.toString() ?? ''))));
  });

/** The encoded text without the breaks that a reader takes out again (RFC 2045, 6.7, rule 5). */
const withoutSoftBreaks = (message: string): string => message.replaceAll('=\r\n', '');

const bodyOf = (message: string): string => message.slice(message.indexOf('\r\n\r\n'));

const expectSameText = async (changes: Partial<OutgoingMail>): Promise<void> => {
  const message = composed(changes);
  const [ours, theirs] = [assembleMessage(message).bytes.toString(), await builtByNodemailer(message)];
  expect(withoutSoftBreaks(ours)).toBe(withoutSoftBreaks(theirs));
  // RFC 5322, 2.1.1: a server may refuse a line of more than 998 characters. RFC 2045, 6.7 (3): a space at its end is lost.
  for (const line of bodyOf(ours).split('\r\n')) {
    expect(line.length).toBeLessThanOrEqual(998);
    expect(line).not.toMatch(/[ \t]$/);
  }
};

const expectSameBytes = async (changes: Partial<OutgoingMail>): Promise<void> => {
  const message = composed(changes);
  expect(assembleMessage(message).bytes.toString()).toBe(await builtByNodemailer(message));
};

/** Words, line ends of every kind, spaces before them, long runs without a space, and what has to be encoded. */
const body = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\n',
        '\r\n',
        '\r',
        ' ',
        '\t',
        ' \n',
        '=',
        '==',
        '.',
        '\n.\n',
        '😀',
        'ß',
        'é',
        '\u0000',
        '\u00a0',
      ),
      fc.string({ unit: 'grapheme', maxLength: 100 }),
      fc.stringMatching(/^[a-z0-9]{0,200}$/),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));

// nodemailer's stream and its function choose the place of some soft breaks differently.
test('a mail says what nodemailer would say, whatever stands in its two parts, in lines that may travel', async () => {
  await fc.assert(
    fc.asyncProperty(body, body, (text, html) => expectSameText({ text: `x${text}`, html: `x${html}` })),
    { numRuns: 300 },
  );
});

test('lines that come again and again, among more than are remembered, are written as the first time', async () => {
  const shared =
    'Größe = 1 \n. \nThe same in every mail, and long enough to be broken somewhere in its middle.';
  const mails = Array.from({ length: 1500 }, (_, index) =>
    composed({ text: `${shared}\n${index} \n${index + 1}=\n${shared}`, html: '<p>x</p>' }),
  );
  const ours = mails.map((mail) => withoutSoftBreaks(assembleMessage(mail).bytes.toString()));
  for (const index of [0, 1, 2, 700, 1499])
    expect(ours[index]).toBe(withoutSoftBreaks(await builtByNodemailer(mails[index] ?? {})));
});

describe('a mail is byte for byte what nodemailer makes of it', () => {
  test('whatever stands in its headers', async () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 150 }).map((text) => text.replace(/\p{C}/gu, ''));
    await fc.assert(
      fc.asyncProperty(line, line, line, (subject, from, reply) =>
        expectSameBytes({
          subject,
          from: { name: from, address: 'no-reply@mail.example.com' },
          replyTo: { name: reply, address: 'help@example.com' },
          providerHeaders: { 'X-Mailgun-Variables': '{"id":"0199a1b2"}' },
        }),
      ),
      { numRuns: 200 },
    );
  });

  test.each([
    ['without a text', { text: '' }],
    ['without HTML', { html: '' }],
    ['without either', { text: '', html: '' }],
    ['to an address outside ASCII', { to: 'jürgen@bücher.example' }],
    ['with a long body', { html: '<p>Größe = 1</p>\n'.repeat(3000) }],
  ])('%s', (_, changes) => expectSameBytes(changes));
});
