import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { describe, expect, test } from 'vitest';
import { judgeReport } from '../src/reports/judge-report.ts';
import { type MailParts, readMailHeaders, splitMail } from '../src/reports/split-mail.ts';
import { contextOf, reportNames, reportText } from './report-mails.ts';

const splitText = (text: string): MailParts => splitMail(Buffer.from(text.replaceAll('\n', '\r\n')));
const textOf = (content: Uint8Array): string => Buffer.from(content).toString('utf8');
const partsOf = (text: string): readonly (readonly [string, string])[] =>
  splitText(text).parts.map(({ type, content }) => [type, textOf(content)]);

/** The same, by a MIME parser that others wrote. */
const splitByLibrary = async (text: string): Promise<MailParts> => {
  const mail = await PostalMime.parse(text, { forceRfc822Attachments: true });
  return {
    headers: new Map(mail.headers.toReversed().map(({ key, value }) => [key, value])),
    parts: mail.attachments.map(({ mimeType, content }) => ({
      type: mimeType,
      content: typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content),
    })),
  };
};

describe('a mail is split', () => {
  test.each(reportNames)('%s as a general MIME parser splits it', async (name) => {
    const text = reportText(name);
    const ours = splitMail(Buffer.from(text));
    const theirs = await splitByLibrary(text);
    const machine = ({ parts }: MailParts): unknown =>
      parts
        // The library tells words for people apart, and ends a part with a line break of its own.
        .filter(({ type }) => type !== 'text/plain')
        .map(({ type, content }) => [type, textOf(content).replaceAll('\r\n', '\n').trimEnd()]);
    expect(machine(ours)).toEqual(machine(theirs));
    for (const header of ['content-type', 'auto-submitted', 'message-id', 'date', 'to'])
      expect(ours.headers.get(header)?.replace(/\s+/g, ' ')).toBe(
        theirs.headers.get(header)?.replace(/\s+/g, ' '),
      );
    expect(judgeReport(ours, contextOf()).kind).toBe(judgeReport(theirs, contextOf()).kind);
  });

  test('at whole delimiter lines only, up to the closing one', () => {
    const text = [
      'Content-Type: multipart/report; boundary="a b"',
      '',
      'preamble --a b',
      '--a b  ',
      'Content-Type: X/Y; z=1',
      '',
      'one',
      ' --a b',
      '--a bc',
      '--a b',
      '',
      'two',
      '--a b--',
      '--a b',
      '',
      'epilogue',
    ].join('\n');
    expect(partsOf(text)).toEqual([
      ['x/y', 'one\r\n --a b\r\n--a bc'],
      ['text/plain', 'two'],
    ]);
  });

  test('also where a part is empty or the mail was cut off', () => {
    const head = 'Content-Type: multipart/mixed; boundary=b\n\n';
    expect(partsOf(`${head}--b\n--b\n\nx`)).toEqual([
      ['text/plain', ''],
      ['text/plain', 'x'],
    ]);
    expect(partsOf(`${head}--b\nContent-Type: a/b`)).toEqual([['a/b', '']]);
    expect(partsOf(`${head}--b--`)).toEqual([]);
    expect(partsOf(`${head}`)).toEqual([]);
  });

  test('with bare line feeds as with line breaks of SMTP', () => {
    const text = 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n';
    expect(splitMail(Buffer.from(text)).parts.map(({ content }) => textOf(content))).toEqual(['one']);
  });

  test('with the encodings of its parts taken off', () => {
    const head = 'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: ';
    expect(partsOf(`${head}Base64\n\nSGVs\nbG8=\n--b--`)).toEqual([['text/plain', 'Hello']]);
    expect(partsOf(`${head}quoted-printable\n\nH=C3=A9l=\nlo =3D =zz\n--b--`)).toEqual([
      ['text/plain', 'Héllo = =zz'],
    ]);
  });

  test.each([
    ['multipart/mixed'],
    ['multipart/mixed; boundary='],
    ['multipart/mixed; boundary=""'],
    [`multipart/mixed; boundary=${'b'.repeat(71)}`],
    ['text/plain; boundary=b'],
    ['x; multipart/mixed; boundary=b'],
  ])('into headers alone where its type is %s', (type) =>
    expect(partsOf(`Content-Type: ${type}\n\n--b\n\nx\n--b--`)).toEqual([]),
  );

  test('without headers, or with nothing but headers', () => {
    expect([...readMailHeaders(Buffer.from('\r\nTo: x'))]).toEqual([]);
    expect([...readMailHeaders(Buffer.from('To: x\r\n y'))]).toEqual([['to', 'x y']]);
    expect(splitMail(new Uint8Array())).toEqual({ headers: new Map(), parts: [] });
  });

  test('whatever its bytes are, without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        splitMail(bytes);
        splitMail(Buffer.concat([Buffer.from('Content-Type: multipart/a; boundary=\r\n\r\n--'), bytes]));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('64 KiB are read within 10 ms, of whatever they are made', () => {
  const head = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n';
  const part = (fields: string): string =>
    `\r\n--b\r\n${fields}Content-Type: message/delivery-status\r\n\r\nAction: failed\r\nStatus: 5.0.0\r\n`;
  const fill = (text: string): string => text.repeat(Math.floor(65_000 / text.length));

  test.each([
    ['empty lines', `${head}${part('')}${fill('\r\n')}--b--`],
    ['bare line feeds', `${head}${part('')}${fill('\n')}--b--`],
    ['headers', `${head}${fill('X: \r\n')}`],
    ['headers of the same name', `${head}${fill('To: a@b\r\n')}`],
    ['folds in the headers', `${head}X:${fill('\r\n a')}`],
    ['folds in a field', `${head}${part('')}Diagnostic-Code: smtp;${fill('\r\n a')}`],
    ['delimiters', `${head}\r\n${fill('--b\r\n')}`],
    ['almost delimiters', `${head}\r\n${fill('--b')}`],
    ['almost delimiters, each a line', `${head}\r\n${fill('--b-\r\n')}`],
    ['parts', `${head}\r\n${fill('--b\r\nContent-Type: message/rfc822\r\n\r\nX: y\r\n')}`],
    ['parameters', `${head.trim()}${fill(';boundary="')}`],
    ['backslashes', `Content-Type: multipart/report; boundary="${fill('\\')}`],
    ['groups', `${head}${part('')}${fill('\r\nAction: failed\r\n')}`],
    ['comments', `${head}${part('')}X: y\r\n\r\nAction: failed ${fill('(')}`],
    ['replies', `${head}${part('')}Diagnostic-Code: smtp; ${fill('550 5.1.1.')}`],
    ['one word', `${head}${part('')}Diagnostic-Code: smtp; ${fill('a')}`],
    ['at signs', `${head}${part('')}Diagnostic-Code: smtp; ${fill('a@')}`],
    ['quotes', `${head}${part('')}Diagnostic-Code: smtp; ${fill('"')}`],
    [
      'a long recipient',
      `${head}${part('')}Final-Recipient: rfc822; ${fill('+4')}@x\r\nDiagnostic-Code: ${fill('+4')}`,
    ],
    ['base64', `${head}${part('Content-Transfer-Encoding: base64\r\n')}${fill('QUFB\r\n')}`],
    [
      'quoted-printable',
      `${head}${part('Content-Transfer-Encoding: quoted-printable\r\n')}${fill('=41=\r\n')}`,
    ],
    [
      'soft line breaks that are none',
      `${head}${part('Content-Transfer-Encoding: quoted-printable\r\n')}${fill('= ')}`,
    ],
  ])('%s', (_what, text) => {
    const raw = Buffer.from(text.slice(0, 65_536));
    expect(raw.length).toBeGreaterThan(60_000);
    // The best of five: the machine may be busy with something else at any one of them.
    const tookMs = Array.from({ length: 5 }, () => {
      const startedMs = performance.now();
      judgeReport(splitMail(raw), contextOf());
      return performance.now() - startedMs;
    });
    expect(Math.min(...tookMs)).toBeLessThan(10);
  });
});
