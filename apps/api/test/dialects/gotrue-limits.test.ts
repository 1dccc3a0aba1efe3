import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  dated,
  datedRefusalOf,
  gotrueSettings,
  messagesOf,
  newPhone,
  password,
} from '../support/gotrue.ts';
import { type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { type Answer, newClient, newEmail, register } from '../support/requests.ts';

describe('limits of the contract', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi(gotrueSettings());
  });
  afterAll(() => installation.close());

  const ask = (body: object, from = newClient(), headers: Record<string, string> = dated) =>
    call(api, 'POST', '/resend', body, { from, headers });

  /** The refusal, checked to name the true seconds in sentence and headers alike. */
  const expectLimited = (answer: Answer, code: string, max: number, windowSeconds: number) => {
    const seconds = Number(answer.headers['retry-after']);
    expect(datedRefusalOf(answer)).toEqual([
      429,
      code,
      `For security purposes, you can only request this after ${seconds} seconds.`,
    ]);
    expect(seconds).toBeGreaterThan(windowSeconds - 60);
    expect(seconds).toBeLessThanOrEqual(windowSeconds);
    expect([
      answer.headers['x-ratelimit-limit'],
      answer.headers['x-ratelimit-remaining'],
      answer.headers['x-ratelimit-reset'],
    ]).toEqual([String(max), '0', String(seconds)]);
  };

  it('3 mails to one address in 5 minutes, for known and unknown alike', async () => {
    const known = await register(api);
    const headers = [];
    for (const email of [newEmail(), known.email]) {
      // The registration of v1 has charged the same mailbox.
      const others = email === known.email ? 2 : 3;
      for (let i = 0; i < others; i += 1) {
        const answer = await ask({ type: 'signup', email });
        expect(answer.statusCode).toBe(200);
        headers.push(Object.keys(answer.headers).filter((name) => name.startsWith('x-ratelimit')));
      }
      expectLimited(await ask({ type: 'signup', email }), 'over_email_send_rate_limit', 3, 300);
    }
    for (const names of headers) expect(names.toSorted()).toEqual(headers[0]?.toSorted());
  });

  it('counts down in the headers of every answer', async () => {
    const email = newEmail();
    const left = [];
    for (let i = 0; i < 3; i += 1)
      left.push((await ask({ type: 'recovery', email })).headers['x-ratelimit-remaining']);
    expect(left).toEqual(['2', '1', '0']);
  });

  it('2 messages to one number in 5 minutes', async () => {
    const phone = newPhone();
    for (let i = 0; i < 2; i += 1) expect((await ask({ type: 'sms', phone })).statusCode).toBe(200);
    expectLimited(await ask({ type: 'sms', phone }), 'over_sms_send_rate_limit', 2, 300);
  });

  it('60 seconds for each mail and person, as GoTrue itself has it, by GOTRUE_RATE_LIMIT_EMAIL=1/60', async () => {
    const classic = await installation.startApi({ ...gotrueSettings(), GOTRUE_RATE_LIMIT_EMAIL: '1/60' });
    const email = newEmail();
    const again = () =>
      call(classic, 'POST', '/resend', { type: 'signup', email }, { from: newClient(), headers: dated });
    expect((await again()).statusCode).toBe(200);
    expectLimited(await again(), 'over_email_send_rate_limit', 1, 60);
  });

  it('10 requests of one client in 10 minutes, over all that it may ask for', async () => {
    const from = newClient();
    for (let i = 0; i < 10; i += 1) {
      const path = ['/resend', '/otp', '/recover', '/magiclink', '/signup'][i % 5] ?? '';
      const answer = await call(api, 'POST', path, { type: 'signup', email: newEmail(), password }, { from });
      expect([path, answer.statusCode]).toEqual([path, 200]);
    }
    expectLimited(await ask({ type: 'signup', email: newEmail() }, from), 'over_request_rate_limit', 10, 600);
  });

  it('50 at once of one address: three pass', async () => {
    const email = newEmail();
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask({ type: 'signup', email })));
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(3);
    expect((await messagesOf(installation.db, 'signup')).length).toBeGreaterThan(0);
  });

  it('a request that is refused for its form charges nothing', async () => {
    const from = newClient();
    for (let i = 0; i < 12; i += 1) await ask({ type: 'signup', email: 'no address' }, from);
    expect((await ask({ type: 'signup', email: newEmail() }, from)).headers['x-ratelimit-remaining']).toBe(
      '2',
    );
  });

  it('errors have their first form without a version, and always x-sb-error-code', async () => {
    for (const headers of [
      {},
      { 'x-supabase-api-version': '2023-12-31' },
      { 'x-supabase-api-version': 'x' },
    ]) {
      const answer = await ask({ type: 'x' }, newClient(), headers);
      expect(answer.json()).toEqual({
        code: 400,
        error_code: 'validation_failed',
        msg: 'Missing one of these types: signup, email_change, sms, phone_change',
      });
      expect(answer.headers).toMatchObject({ 'x-sb-error-code': 'validation_failed' });
      expect(answer.headers).not.toHaveProperty('x-supabase-api-version');
    }
  });
});
