import { describe, expect, test } from 'vitest';
import {
  altchaAnswerIdentity,
  altchaChallengeOf,
  judgeAltcha,
  readAltchaPayload,
} from '../src/captcha/altcha.ts';
import type { CaptchaExpectation, CaptchaVerdict } from '../src/captcha/captcha.ts';
import { hcaptcha } from '../src/captcha/hcaptcha.ts';
import { goesOnWithoutCaptcha } from '../src/captcha/policy.ts';
import { recaptcha } from '../src/captcha/recaptcha.ts';
import { captchaHostnamesOf } from '../src/config/captcha-settings.ts';
import { turnstile } from '../src/captcha/turnstile.ts';

const now = new Date('2026-11-25T12:00:00Z');
const expected: CaptchaExpectation = { action: 'resend', hostnames: ['app.example.com'], minScore: 0.5 };
const good = {
  success: true,
  hostname: 'app.example.com',
  action: 'resend',
  challenge_ts: '2026-11-25T11:59:30.000Z',
};
const say = ({ outcome, reason }: CaptchaVerdict): string => `${outcome} ${reason}`;

describe('a siteverify answer', () => {
  test.each<readonly [string, unknown, string]>([
    ['that fits passes', good, 'passed none'],
    ['with a hostname in capitals passes', { ...good, hostname: 'APP.example.com' }, 'passed none'],
    ['for another page fails', { ...good, hostname: 'evil.example.com' }, 'failed hostname'],
    ['without a hostname fails', { ...good, hostname: undefined }, 'failed hostname'],
    ['for another action fails', { ...good, action: 'login' }, 'failed action'],
    ['without an action fails', { ...good, action: '' }, 'failed action'],
    ['that is too old has expired', { ...good, challenge_ts: '2026-11-25T11:50:00Z' }, 'expired age'],
    ['from the future has expired', { ...good, challenge_ts: '2026-11-25T12:10:00Z' }, 'expired age'],
    ['without an instant has expired', { ...good, challenge_ts: undefined }, 'expired age'],
    ['that says no fails', { success: false, 'error-codes': ['invalid-input-response'] }, 'failed rejected'],
    ['whose success is a word fails', { ...good, success: 'true' }, 'failed rejected'],
    [
      'of a spent token has expired',
      { success: false, 'error-codes': ['timeout-or-duplicate'] },
      'expired rejected',
    ],
    [
      'that refuses our secret is no verdict on the caller',
      { success: false, 'error-codes': ['invalid-input-secret'] },
      'unavailable secret',
    ],
    [
      'of a broken provider is no verdict',
      { success: false, 'error-codes': ['internal-error'] },
      'unavailable no_answer',
    ],
    ['that is no object is no verdict', 'ok', 'unavailable malformed'],
    ['that is null is no verdict', null, 'unavailable malformed'],
  ])('of Turnstile %s', (_, body, verdict) =>
    expect(say(turnstile.judge(body, expected, now))).toBe(verdict),
  );

  test.each<readonly [string, unknown, string]>([
    ['v2, which tells neither action nor score, passes', { ...good, action: undefined }, 'passed none'],
    ['v3 with score and action passes', { ...good, score: 0.9 }, 'passed none'],
    ['v3 with the least score passes', { ...good, score: 0.5 }, 'passed none'],
    ['v3 below the least score fails', { ...good, score: 0.4 }, 'failed score'],
    ['v3 with a score that is no number fails', { ...good, score: '0.9' }, 'failed score'],
    ['v3 without the action fails', { ...good, score: 0.9, action: undefined }, 'failed action'],
    [
      'older than two minutes and the skew has expired',
      { ...good, challenge_ts: '2026-11-25T11:56:59Z' },
      'expired age',
    ],
  ])('of reCAPTCHA %s', (_, body, verdict) =>
    expect(say(recaptcha.judge(body, expected, now))).toBe(verdict),
  );

  test('of hCaptcha is not asked for an action, which it does not tell', () =>
    expect(say(hcaptcha.judge({ ...good, action: undefined }, expected, now))).toBe('passed none'));
});

test('each provider is asked with the fields that it documents', () => {
  const request = { secret: 's', siteKey: 'k', answer: 'a', clientAddress: '192.0.2.1', requestId: 'id' };
  expect(turnstile.form(request)).toEqual({
    secret: 's',
    response: 'a',
    remoteip: '192.0.2.1',
    idempotency_key: 'id',
  });
  expect(hcaptcha.form(request)).toEqual({ secret: 's', response: 'a', remoteip: '192.0.2.1', sitekey: 'k' });
  expect(hcaptcha.form({ ...request, siteKey: undefined })).not.toHaveProperty('sitekey');
  expect(recaptcha.form(request)).toEqual({ secret: 's', response: 'a', remoteip: '192.0.2.1' });
});

describe('an ALTCHA payload', () => {
  const parameters = {
    ...altchaChallengeOf('resend', now),
    nonce: '0'.repeat(32),
    salt: '1'.repeat(32),
  };
  const payload = {
    challenge: { parameters, signature: 'a'.repeat(64) },
    solution: { counter: 7, derivedKey: 'b'.repeat(64) },
  };
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

  test('is read, and is one answer however it is spelled and whatever solved it', () => {
    const read = readAltchaPayload(encode(payload));
    const other = readAltchaPayload(
      encode({ took: 9, solution: { ...payload.solution, counter: 900 }, challenge: payload.challenge }),
    );
    expect(read).toEqual(payload);
    expect(other).toBeDefined();
    expect([read, other].map((p) => p && altchaAnswerIdentity(p))).toEqual([
      parameters.nonce,
      parameters.nonce,
    ]);
  });

  test.each<readonly [string, string]>([
    ['no base64', 'not base64 at all'],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['null', encode(null)],
    ['a list', encode([])],
    ['too long', encode({ ...payload, more: 'x'.repeat(5000) })],
    [
      'a cost of its own',
      encode({ ...payload, challenge: { ...payload.challenge, parameters: { ...parameters, cost: 1 } } }),
    ],
    [
      'an easier prefix',
      encode({
        ...payload,
        challenge: { ...payload.challenge, parameters: { ...parameters, keyPrefix: '' } },
      }),
    ],
    [
      'no expiry',
      encode({
        ...payload,
        challenge: { ...payload.challenge, parameters: { ...parameters, expiresAt: undefined } },
      }),
    ],
    [
      'a nonce in capitals',
      encode({
        ...payload,
        challenge: { ...payload.challenge, parameters: { ...parameters, nonce: 'A'.repeat(32) } },
      }),
    ],
    ['no signature', encode({ ...payload, challenge: { parameters } })],
    ['a counter that is no number', encode({ ...payload, solution: { ...payload.solution, counter: '7' } })],
  ])('with %s is refused before any work is done for it', (_, text) =>
    expect(readAltchaPayload(text)).toBeUndefined(),
  );

  test('is judged by expiry, by work, and by the action that was signed', () => {
    const judge = (verified: boolean, expired: boolean, action: 'resend' | 'register'): string =>
      say(judgeAltcha({ verified, expired }, payload, action));
    expect(judge(true, false, 'resend')).toBe('passed none');
    expect(judge(true, false, 'register')).toBe('failed action');
    expect(judge(false, false, 'resend')).toBe('failed rejected');
    expect(judge(false, true, 'resend')).toBe('expired age');
  });
});

test('an outage lets mail through where the setting says so, an SMS never', () => {
  expect(goesOnWithoutCaptcha('email', 'open')).toBe(true);
  expect(goesOnWithoutCaptcha('email', 'closed')).toBe(false);
  expect(goesOnWithoutCaptcha('sms', 'open')).toBe(false);
});

test('the hosts of a captcha are those of our pages, unless others are named', () => {
  const PUBLIC_URL = 'https://verify.example.com';
  const REDIRECT_ORIGINS = { kind: 'origins', origins: new Set(['https://app.example.com:8443']) } as const;
  const of = (CAPTCHA_HOSTNAMES: readonly string[]): readonly string[] =>
    captchaHostnamesOf({ PUBLIC_URL, REDIRECT_ORIGINS, CAPTCHA_HOSTNAMES });
  expect(of([])).toEqual(['verify.example.com', 'app.example.com']);
  expect(of(['www.example.com'])).toEqual(['www.example.com']);
});
