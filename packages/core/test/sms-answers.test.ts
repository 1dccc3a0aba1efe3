import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../src/secret.ts';
import { genericHttp } from '../src/sms-providers/generic-http.ts';
import { smsProviderNames, smsProviders } from '../src/sms-providers/registry.ts';
import type { SmsHttpAnswer, SmsProvider, SmsVerdict } from '../src/sms-providers/provider.ts';
import { twilio } from '../src/sms-providers/twilio.ts';
import { anyText } from './any-text.ts';

const answerOf = (
  status: number,
  body: unknown = '',
  headers: Record<string, string> = {},
): SmsHttpAnswer => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const wordsOf = (verdict: SmsVerdict): string =>
  verdict.kind === 'accepted'
    ? `accepted ${verdict.providerMessageId}`
    : `${verdict.failure.kind} ${verdict.failure.code}`;

const sms = { messageId: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01', to: '+4520123456', text: 'Code: 1 & 2' };
const settings = {
  apiUrl: 'https://gateway.example.com',
  accountId: 'AC0123456789abcdef0123456789abcdef',
  secret: new Secret('token'),
  from: 'MG0123456789abcdef0123456789abcdef',
  publicUrl: 'https://verify.example.com',
};

test.each(smsProviderNames)('%s is known by its name, and has HTTP exactly when it is carried so', (name) => {
  const provider: SmsProvider = smsProviders[name];
  expect(provider.name).toBe(name);
  expect(provider.http !== undefined).toBe(provider.carriesSms === 'http');
});

describe('twilio', () => {
  test.each([
    [answerOf(201, { sid: 'SM1', status: 'queued', error_code: null }), 'accepted SM1'],
    [answerOf(201, '<html>'), 'ambiguous unclear_answer'],
    [answerOf(200, {}), 'ambiguous unclear_answer'],
    [answerOf(201, { sid: 'SM1', status: 'failed', error_code: 30006 }), 'permanent number_not_mobile'],
    [answerOf(400, { code: 21211 }), 'permanent number_invalid'],
    [answerOf(400, { code: 21408 }), 'permanent country_not_permitted'],
    [answerOf(400, { code: 21610 }), 'permanent opted_out'],
    [answerOf(400, { code: 21614 }), 'permanent number_not_mobile'],
    [answerOf(400, { code: 21606 }), 'misconfigured sender_refused'],
    [answerOf(400, { code: 99999 }), 'permanent message_refused'],
    [answerOf(400, ''), 'permanent message_refused'],
    [answerOf(401, { code: 20003 }), 'misconfigured auth'],
    [answerOf(403, ''), 'misconfigured auth'],
    [answerOf(402, ''), 'misconfigured quota'],
    [answerOf(404, { code: 20404 }), 'misconfigured settings'],
    [answerOf(302, ''), 'misconfigured settings'],
    [answerOf(429, { code: 20429 }), 'transient throttled'],
    [answerOf(500, { code: 20500 }), 'ambiguous unclear_answer'],
    [answerOf(500, { code: 21211 }), 'ambiguous unclear_answer'],
    [answerOf(502, ''), 'ambiguous unclear_answer'],
    [answerOf(503, { code: 20503 }), 'transient unavailable'],
  ])('%j is %s', (answer, expected) => expect(wordsOf(twilio.http.readAnswer(answer))).toBe(expected));

  test('the request is the documented form, from a pool of senders, with our id in its callback', () => {
    const request = twilio.http.buildRequest(sms, settings);
    expect(request.url).toBe(
      'https://gateway.example.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json',
    );
    expect(Object.fromEntries(new URLSearchParams(request.body))).toEqual({
      To: '+4520123456',
      MessagingServiceSid: 'MG0123456789abcdef0123456789abcdef',
      Body: 'Code: 1 & 2',
      StatusCallback: 'https://verify.example.com/v1/twilio/webhook?m=0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
    });
  });

  test('what is missing in its settings is named', () => {
    const problems = twilio.http.problems({ ...settings, accountId: 'x', secret: undefined, from: '' });
    expect(problems.join('\n')).toMatch(/TWILIO_ACCOUNT_SID .*\nTWILIO_AUTH_TOKEN .*\nSMS_FROM /);
    expect(twilio.http.problems(settings)).toEqual([]);
  });
});

describe('http', () => {
  test.each([
    [answerOf(200, { id: 'gw-1' }), 'accepted gw-1'],
    [answerOf(202, ''), 'accepted undefined'],
    [answerOf(400, { code: 'number_invalid' }), 'permanent number_invalid'],
    [answerOf(422, { code: 'sender_refused' }), 'misconfigured sender_refused'],
    [answerOf(400, { code: 'toString' }), 'permanent message_refused'],
    [answerOf(401, ''), 'misconfigured auth'],
    [answerOf(429, ''), 'transient throttled'],
    // It folds repetitions by our key, so trying again cannot cost twice.
    [answerOf(500, ''), 'transient unavailable'],
    [answerOf(503, { code: 'number_invalid' }), 'transient unavailable'],
  ])('%j is %s', (answer, expected) => expect(wordsOf(genericHttp.http.readAnswer(answer))).toBe(expected));

  test('a repetition carries the same key and the same body', () => {
    const request = genericHttp.http.buildRequest(sms, settings);
    expect(request).toEqual(genericHttp.http.buildRequest(sms, settings));
    expect(request.headers['idempotency-key']).toBe(sms.messageId);
  });
});

describe.each([
  ['twilio', twilio.http],
  ['http', genericHttp.http],
])('%s', (_name, http) => {
  test.each([
    ['30', {}, 30],
    ['0', {}, 1],
    ['999999', {}, 3600],
    ['Wed, 18 Nov 2026 00:01:00 GMT', { date: 'Wed, 18 Nov 2026 00:00:00 GMT' }, 60],
    ['Wed, 18 Nov 2026 00:01:00 GMT', {}, undefined],
    ['soon', {}, undefined],
  ])('Retry-After %s with %j is %s s', (text, headers, seconds) => {
    const verdict = http.readAnswer(answerOf(429, '', { 'retry-after': text, ...headers }));
    expect(verdict.kind === 'failed' ? verdict.failure.retryAfterSeconds : 'accepted').toBe(seconds);
  });

  test('no answer makes an exception, and what is kept of one is short and prints', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), fc.oneof(anyText(200), fc.json()), (status, body) => {
        const verdict = http.readAnswer(answerOf(status, body));
        const kept = verdict.kind === 'accepted' ? verdict.providerMessageId : verdict.word;
        expect(kept ?? 'x').toMatch(/^[\x21-\x7e]{1,100}$/);
      }),
      { numRuns: 2000 },
    );
  });
});
