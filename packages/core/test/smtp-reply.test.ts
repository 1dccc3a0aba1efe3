import { describe, expect, test } from 'vitest';
import { classifySmtpFailure, scrubReply, type SmtpFailureReport } from '../src/smtp-reply.ts';

const report = (fields: Partial<SmtpFailureReport>): SmtpFailureReport => {
  const responseCode = fields.response === undefined ? undefined : Number(fields.response.slice(0, 3));
  return { bodyStarted: false, responseCode, ...fields };
};

const verdict = (fields: Partial<SmtpFailureReport>): string => {
  const failure = classifySmtpFailure(report(fields));
  return `${failure.kind} ${failure.code}`;
};

describe('a reply to the recipient or the message decides about the message', () => {
  test.each([
    ['550 5.1.1 no such user', 'RCPT TO', 'EENVELOPE', 'permanent recipient_refused'],
    ['550 unknown', 'RCPT TO', 'EENVELOPE', 'permanent recipient_refused'],
    ['450 4.2.0 busy', 'RCPT TO', 'EENVELOPE', 'transient recipient_refused'],
    ['452 4.2.2 mailbox quota exceeded', 'RCPT TO', 'EENVELOPE', 'transient recipient_refused'],
    ['552 5.2.2 account quota exceeded', 'RCPT TO', 'EENVELOPE', 'permanent recipient_refused'],
    ['552 account storage quota exceeded', 'DATA', 'EMESSAGE', 'permanent message_refused'],
    ['554 5.6.0 message content refused', 'DATA', 'EMESSAGE', 'permanent message_refused'],
    ['451 4.3.0 try later', 'DATA', 'EMESSAGE', 'transient message_refused'],
    ['554 no valid recipients', 'DATA', 'EENVELOPE', 'permanent message_refused'],
    ['421 4.3.2 closing', 'RCPT TO', 'EENVELOPE', 'transient recipient_refused'],
  ])('%s at %s', (response, command, code, expected) => {
    expect(verdict({ response, command, code })).toBe(expected);
  });
});

describe('a refusal that is ours never fails the recipient', () => {
  test.each([
    ['554 no service for you', 'CONN', 'EPROTOCOL', 'misconfigured greeting'],
    ['421 too busy', 'CONN', 'EPROTOCOL', 'transient greeting'],
    ['550 go away', 'EHLO', 'ECONNECTION', 'misconfigured greeting'],
    ['502 command not implemented', 'STARTTLS', 'ETLS', 'misconfigured tls'],
    ['454 4.7.0 TLS not available', 'STARTTLS', 'ETLS', 'transient tls'],
    ['535 5.7.8 bad credentials', 'AUTH PLAIN', 'EAUTH', 'misconfigured auth'],
    ['454 4.7.0 temporary authentication failure', 'AUTH PLAIN', 'EAUTH', 'transient auth'],
    ['530 5.7.0 authentication required', 'MAIL FROM', 'EENVELOPE', 'misconfigured auth'],
    ['530 5.7.0 authentication required', 'RCPT TO', 'EENVELOPE', 'misconfigured auth'],
    ['550 5.7.1 sender not allowed', 'MAIL FROM', 'EENVELOPE', 'misconfigured sender_refused'],
    ['451 4.1.8 sender domain does not resolve', 'MAIL FROM', 'EENVELOPE', 'transient sender_refused'],
    ['554 5.7.1 relay access denied', 'RCPT TO', 'EENVELOPE', 'misconfigured relay_refused'],
    ['550 5.7.26 unauthenticated mail is prohibited', 'DATA', 'EMESSAGE', 'misconfigured sender_refused'],
    ['454 Throttling failure: Daily message quota exceeded.', 'DATA', 'EMESSAGE', 'misconfigured quota'],
    ['550 5.4.5 Daily user sending limit exceeded', 'DATA', 'EMESSAGE', 'misconfigured quota'],
    ['454 Throttling failure: Maximum sending rate exceeded.', 'DATA', 'EMESSAGE', 'transient throttled'],
    ['503 5.5.1 bad sequence of commands', 'RCPT TO', 'EENVELOPE', 'transient protocol'],
  ])('%s at %s', (response, command, code, expected) => {
    expect(verdict({ response, command, code })).toBe(expected);
  });

  test('an address in the reply can not spell a cause', () => {
    const response = '550 5.1.1 <relaying-denied@example.com> daily-quota-exceeded@example.com unknown';
    expect(verdict({ response, command: 'RCPT TO', code: 'EENVELOPE' })).toBe('permanent recipient_refused');
  });
});

describe('without a reply', () => {
  const silent: readonly [Partial<SmtpFailureReport>, string][] = [
    [{ code: 'EDNS', originalCode: 'EAI_AGAIN' }, 'transient dns'],
    [{ code: 'EDNS', originalCode: 'ENOTFOUND' }, 'misconfigured dns'],
    [{ code: 'ESOCKET', originalCode: 'ECONNREFUSED', command: 'CONN' }, 'transient connect'],
    [{ code: 'ESOCKET', originalCode: 'ECONNRESET', command: 'CONN' }, 'transient connection_lost'],
    [{ code: 'ESOCKET', originalCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'misconfigured tls'],
    [{ code: 'ESOCKET', originalCode: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'misconfigured tls'],
    [{ code: 'ETLS', command: 'CONN' }, 'transient tls'],
    [{ code: 'ETIMEDOUT', command: 'CONN' }, 'transient timeout'],
    [{ code: 'ECONNECTION', command: 'CONN' }, 'transient connection_lost'],
    [{ code: 'EABORT' }, 'transient aborted'],
    [{ code: 'ENOAUTH' }, 'misconfigured auth'],
    [{ code: 'EMAXRECIPIENTS' }, 'misconfigured settings'],
    [{ code: 'EENVELOPE', command: 'API' }, 'permanent recipient_invalid'],
    [{}, 'transient unknown'],
  ];
  test.each(silent)('%o is certain while the body has not left', (fields, expected) => {
    expect(verdict(fields)).toBe(expected);
  });

  test.each(['ETIMEDOUT', 'ECONNECTION', 'ESOCKET', 'EABORT', 'ESTREAM', undefined])(
    '%s is ambiguous once the body has begun to leave',
    (code) => expect(verdict({ code, bodyStarted: true })).toMatch(/^ambiguous /),
  );

  test('a reply after the body is certain again', () => {
    const fields = { code: 'EMESSAGE', command: 'DATA', bodyStarted: true };
    expect(verdict({ ...fields, response: '451 4.3.0 try later' })).toBe('transient message_refused');
    expect(verdict({ ...fields, response: '421 4.3.2 closing' })).toBe('transient message_refused');
    expect(verdict({ ...fields, response: '554 5.7.1 spam' })).toBe('permanent message_refused');
  });
});

describe('the time to wait', () => {
  test.each([
    ['451 4.7.1 Greylisted, please try again in 180 seconds', 180],
    ['450 4.2.0 greylisting in action, retry after 5 minutes', 300],
    ['450 4.2.0 Grey-listed', 300],
    ['451 wait 99999 seconds', 3600],
    ['451 wait 0 seconds', 1],
  ])('%s', (response, seconds) => {
    const failure = classifySmtpFailure(report({ response, command: 'RCPT TO', code: 'EENVELOPE' }));
    expect(failure.retryAfterSeconds).toBe(seconds);
  });

  test('a permanent failure has none', () => {
    const response = '550 5.1.1 no such user, try again in 5 minutes';
    expect(classifySmtpFailure(report({ response, command: 'RCPT TO', code: 'EENVELOPE' }))).toEqual({
      kind: 'permanent',
      code: 'recipient_refused',
    });
  });
});

describe('a reply that is kept', () => {
  test.each([
    ['550 <alice@example.com>: unknown', 'alice'],
    ['550 "alice smith"@example.com unknown', 'alice'],
    ['550 al\u200bice@example.com unknown', 'example.com'],
    ['550 rcpt=alice%40example.com', 'alice'],
    ['550 see https://example.com/verify?token=abc', 'verify'],
    ['550 see www.example.com/x', 'example'],
    [`550 ${'0123456789abcdef'.repeat(4)}`, '0123456789abcdef'],
    ['550 dGhpcyBpcyBhIHRva2VuIHg', 'dGhpcyBpcyBh'],
    ['550 eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc', 'eyJ'],
  ])('%s shows nothing of the address, link or token', (reply, secret) => {
    expect(scrubReply(reply)).not.toContain(secret);
    expect(scrubReply(reply)).toMatch(/^550 /);
  });

  test('has one line, no control characters and at most 200 characters', () => {
    const scrubbed = scrubReply(`550-one\r\n550 two\u0000\u0007\u202e${' word'.repeat(200)}`);
    expect(scrubbed.startsWith('550-one 550 two word')).toBe(true);
    expect(scrubbed).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(Array.from(scrubbed).length).toBeLessThanOrEqual(200);
  });

  test('stays readable', () => {
    expect(scrubReply('550 5.7.1 administratively prohibited: misconfiguration')).toBe(
      '550 5.7.1 administratively prohibited: misconfiguration',
    );
  });

  test('loses what the caller names, in any case', () => {
    expect(scrubReply('550 <ada@example.org> is unknown, ada', ['ada'])).toBe(
      '550 <[address]> is unknown, [removed]',
    );
    expect(scrubReply('550 User Alice (a+b) A-[/$ unknown', ['alice', 'a+b', 'a-[/$'])).toBe(
      '550 User [removed] ([removed]) [removed] unknown',
    );
  });

  test('loses a code wherever it stands alone, and no figure that hangs on something', () => {
    expect(scrubReply('554 Refused: "Your code is 123456." code=654321, G-000001')).toBe(
      '554 Refused: "Your code is [code]." code=[code], G-[code]',
    );
    const others = '452 4.2.2 queued as A123456 at 1234567, 12345 of 52428800 bytes';
    expect(scrubReply(others)).toBe(others);
  });

  test('is done quickly for a hostile reply', () => {
    const started = performance.now();
    for (const unit of ['a', '"', '@', 'a@', 'www.', 'a.', '%40', ' ', '123456', '123456 '])
      scrubReply(unit.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
