import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { type Installation, openInstallation, type Settings, type TestApi } from './support/installation.ts';
import { expectRefused } from './support/captcha.ts';
import { get, newClient, newEmail, post, register, resend } from './support/requests.ts';
import { newestMessage } from './support/rows.ts';

const altcha: Settings = { CAPTCHA_PROVIDER: 'altcha', CAPTCHA_SECRET: 'canary-secret-of-the-proof-of-work' };
const challengeFrom = async (api: TestApi, action: string): Promise<Challenge> =>
  (await get(api, `/v1/captcha/challenge?action=${action}`)).json<Challenge>();

const payloadOf = async (challenge: Challenge): Promise<string> => {
  const solution = await solveChallenge({ challenge, deriveKey });
  return Buffer.from(JSON.stringify({ challenge, solution })).toString('base64');
};

const solve = async (api: TestApi, action = 'resend'): Promise<string> =>
  payloadOf(await challengeFrom(api, action));

describe('a captcha', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  const spentAnswers = async (): Promise<number> =>
    (await installation.db.selectFrom('captcha_answers').selectAll().execute()).length;

  describe('of proof of work, with CAPTCHA_WHEN=always', () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await installation.startApi({ ...altcha, CAPTCHA_WHEN: 'always', RATE_LIMIT_IP: '2/3600' });
    });

    it('is asked for, solved, and then the request is accepted; the same answer never again', async () => {
      const [email, from] = [newEmail(), newClient()];
      expectRefused(await resend(api, email, { from }), 'CAPTCHA_REQUIRED');
      const captchaToken = await solve(api);
      const accepted = await resend(api, email, { from, body: { captchaToken } });
      expect([accepted.statusCode, accepted.json()]).toEqual([
        200,
        expect.objectContaining({ ok: true }) as object,
      ]);
      expect((await newestMessage(installation.db)).passed_captcha).toBe(true);
      expectRefused(await resend(api, newEmail(), { from, body: { captchaToken } }), 'CAPTCHA_REUSED');
      // Refusals charge nothing: one of two is left.
      const second = await resend(api, newEmail(), { from, body: { captchaToken: await solve(api) } });
      expect(second.statusCode).toBe(200);
      expectRefused(
        await resend(api, newEmail(), { from, body: { captchaToken: 'x' } }),
        'IP_RATE_LIMIT',
        429,
      );
    });

    it('is accepted once by parallel requests of many clients, whatever solution and spelling they send', async () => {
      const challenge = await challengeFrom(api, 'resend');
      const first = await solveChallenge({ challenge, deriveKey });
      const other = await solveChallenge({ challenge, deriveKey, counterStart: (first?.counter ?? 0) + 1 });
      const texts = [first, other].flatMap((solution) => [
        JSON.stringify({ challenge, solution }),
        JSON.stringify({ solution, challenge }, null, 2),
      ]);
      const tokens = Array.from({ length: 20 }, (_, i) =>
        Buffer.from(texts[i % texts.length] ?? '').toString('base64'),
      );
      const answers = await Promise.all(
        tokens.map((captchaToken) => resend(api, newEmail(), { body: { captchaToken } })),
      );
      expect(answers.filter((answer) => answer.statusCode === 200)).toHaveLength(1);
      for (const answer of answers.filter((a) => a.statusCode !== 200))
        expectRefused(answer, 'CAPTCHA_REUSED');
    });

    it('for registering does not do for a resend, nor the other way round', async () => {
      expectRefused(
        await resend(api, newEmail(), { body: { captchaToken: await solve(api, 'register') } }),
        'CAPTCHA_FAILED',
      );
      expectRefused(
        await post(api, '/v1/register', { email: newEmail(), captchaToken: await solve(api, 'resend') }),
        'CAPTCHA_FAILED',
      );
      expectRefused(await post(api, '/v1/register', { email: newEmail() }), 'CAPTCHA_REQUIRED');
      await register(api, { captchaToken: await solve(api, 'register') });
    });

    it('that somebody signed with another secret, or made easier, or that is too old, does not pass', async () => {
      const stranger = await installation.startApi({
        ...altcha,
        CAPTCHA_SECRET: 'another-secret-of-the-proof-of-work',
      });
      expectRefused(
        await resend(api, newEmail(), { body: { captchaToken: await solve(stranger) } }),
        'CAPTCHA_FAILED',
      );
      const challenge = await challengeFrom(api, 'resend');
      const changed = { ...challenge, parameters: { ...challenge.parameters, expiresAt: 4_000_000_000 } };
      expectRefused(
        await resend(api, newEmail(), { body: { captchaToken: await payloadOf(changed) } }),
        'CAPTCHA_FAILED',
      );
      const old = { ...challenge, parameters: { ...challenge.parameters, expiresAt: 1_000_000_000 } };
      expectRefused(
        await resend(api, newEmail(), { body: { captchaToken: await payloadOf(old) } }),
        'CAPTCHA_EXPIRED',
      );
      expectRefused(
        await resend(api, newEmail(), { body: { captchaToken: 'bm90IG9uZQ==' } }),
        'CAPTCHA_FAILED',
      );
    });

    it('is not spent by a request that validation or the cooldown refuses', async () => {
      const captchaToken = await solve(api);
      const email = newEmail();
      await resend(api, email, { body: { captchaToken: await solve(api) } });
      const before = await spentAnswers();
      expectRefused(await resend(api, email, { body: { captchaToken } }), 'RESEND_COOLDOWN', 429);
      expectRefused(await resend(api, 'no address', { body: { captchaToken } }), 'VALIDATION_FAILED');
      expect(await spentAnswers()).toBe(before);
      expect((await resend(api, newEmail(), { body: { captchaToken } })).statusCode).toBe(200);
    });

    it('answers the same for known and unknown people', async () => {
      const known = await register(api, { captchaToken: await solve(api, 'register') });
      // Nothing remembers the registration's charge, whichever store counts.
      await installation.db.deleteFrom('messages').execute();
      await installation.db.deleteFrom('limit_charges').execute();
      const fresh = await installation.startApi({
        ...altcha,
        CAPTCHA_WHEN: 'always',
        REDIS_PREFIX: 'rc-captcha-fresh',
      });
      const answers = await Promise.all(
        [known.email, newEmail()].flatMap((email) => [
          resend(fresh, email),
          resend(fresh, email, { body: { captchaToken: 'bm90IG9uZQ==' } }),
        ]),
      );
      const seen = answers.map((answer) => [answer.statusCode, answer.json<{ reason: string }>().reason]);
      expect(seen.slice(0, 2)).toEqual(seen.slice(2));
    });

    it('lets a repetition of the same request pass with the answer that it spent', async () => {
      const captchaToken = await solve(api);
      const sender = {
        from: newClient(),
        headers: { 'idempotency-key': 'the-same' },
        body: { captchaToken },
      };
      const email = newEmail();
      expect((await resend(api, email, sender)).statusCode).toBe(200);
      // As after an answer that was lost before the row was written: the answer is spent, the message is not there.
      await installation.db
        .deleteFrom('messages')
        .where('id', '=', (await newestMessage(installation.db)).id)
        .execute();
      const off = await installation.startApi({
        ...altcha,
        CAPTCHA_WHEN: 'always',
        RATE_LIMIT_ADDRESS: 'off',
      });
      expect((await resend(off, email, sender)).statusCode).toBe(200);
      expectRefused(await resend(off, newEmail(), { body: { captchaToken } }), 'CAPTCHA_REUSED');
    });

    it('tells a page what to show, and a challenge is not kept by any cache', async () => {
      expect((await get(api, '/v1/captcha')).json()).toEqual({
        ok: true,
        provider: 'altcha',
        siteKey: null,
        when: 'always',
      });
      const challenge = await get(api, '/v1/captcha/challenge', {
        headers: { origin: 'https://app.example.com' },
      });
      expect(challenge.headers['cache-control']).toBe('no-store');
      expect(challenge.headers['access-control-allow-origin']).toBe('https://app.example.com');
      expect((await get(api, '/v1/captcha/challenge?action=login')).statusCode).toBe(400);
    });
  });

  it('is not asked for while none is configured, and there is no challenge then', async () => {
    const api = await installation.startApi({ RATE_LIMIT_IP: '1/3600' });
    const from = newClient();
    expect((await resend(api, newEmail(), { from })).statusCode).toBe(200);
    expectRefused(await resend(api, newEmail(), { from }), 'IP_RATE_LIMIT', 429);
    expectRefused(await get(api, '/v1/captcha/challenge'), 'NOT_FOUND', 404);
    expect((await get(api, '/v1/captcha')).json()).toMatchObject({ provider: 'none' });
  });
});
