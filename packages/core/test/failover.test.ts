import { describe, expect, test } from 'vitest';
import { isUnreachable, mayTryNext } from '../src/failover.ts';
import { classifySmtpFailure, type SmtpFailureReport } from '../src/smtp-reply.ts';

const silent = { bodyStarted: false } as const;

/** What a server said, or how it was silent; whether another provider may have the message at once. */
const cases: readonly (readonly [string, SmtpFailureReport, boolean])[] = [
  ['no such host', { ...silent, code: 'EDNS', originalCode: 'ENOTFOUND' }, true],
  ['connection refused', { ...silent, code: 'ESOCKET', originalCode: 'ECONNREFUSED' }, true],
  ['connection reset before the body', { ...silent, code: 'ESOCKET', originalCode: 'ECONNRESET' }, true],
  ['time-out before the body', { ...silent, code: 'ETIMEDOUT' }, true],
  ['wrong password', { ...silent, code: 'EAUTH', responseCode: 535, response: '535 5.7.8 no' }, true],
  [
    'a certificate that is not trusted',
    { ...silent, code: 'ESOCKET', originalCode: 'CERT_HAS_EXPIRED' },
    true,
  ],
  [
    'greeting refused',
    { ...silent, code: 'EPROTOCOL', command: 'CONN', responseCode: 554, response: '554 no' },
    true,
  ],
  [
    'sender refused',
    { ...silent, code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 550, response: '550 no' },
    true,
  ],
  [
    'too fast',
    {
      ...silent,
      code: 'EENVELOPE',
      command: 'MAIL FROM',
      responseCode: 451,
      response: '451 too many messages',
    },
    true,
  ],
  [
    'quota used up',
    {
      ...silent,
      code: 'EENVELOPE',
      command: 'MAIL FROM',
      responseCode: 550,
      response: '550 5.4.5 daily sending quota exceeded',
    },
    true,
  ],
  [
    'no such mailbox',
    { ...silent, code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550, response: '550 5.1.1 unknown' },
    false,
  ],
  [
    'mailbox busy',
    { ...silent, code: 'EENVELOPE', command: 'RCPT TO', responseCode: 450, response: '450 4.2.1 busy' },
    false,
  ],
  [
    'greylisted',
    { ...silent, code: 'EENVELOPE', command: 'RCPT TO', responseCode: 451, response: '451 greylisted' },
    false,
  ],
  [
    'message refused',
    { code: 'EMESSAGE', command: 'DATA', responseCode: 554, response: '554 spam', bodyStarted: true },
    false,
  ],
  ['time-out after the body left', { code: 'ETIMEDOUT', bodyStarted: true }, false],
  [
    'connection lost after the body left',
    { code: 'ESOCKET', originalCode: 'ECONNRESET', bodyStarted: true },
    false,
  ],
  ['we stopped it ourselves', { ...silent, code: 'EABORT' }, false],
];

describe('another provider may try at once', () => {
  test.each(cases)('%s', (_, report, expected) =>
    expect(mayTryNext(classifySmtpFailure(report))).toBe(expected),
  );

  test('whatever is said, never what may have been taken or was refused for good', () => {
    for (const kind of ['ambiguous', 'permanent'] as const)
      for (const code of ['connect', 'timeout', 'auth', 'connection_lost', 'quota'])
        expect(mayTryNext({ kind, code })).toBe(false);
  });
});

test('unreachable is who said nothing, not who refused', () => {
  expect(isUnreachable({ kind: 'transient', code: 'connect' })).toBe(true);
  expect(isUnreachable({ kind: 'transient', code: 'throttled' })).toBe(false);
  expect(isUnreachable({ kind: 'misconfigured', code: 'auth' })).toBe(false);
  expect(isUnreachable({ kind: 'ambiguous', code: 'timeout' })).toBe(false);
});
