import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import type { ErrorReason } from '@reconfirm/core/error-codes';
import { type Installation, openInstallation, type Settings, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { get, newClient, newEmail, post, register, resend } from './support/requests.ts';
import { newestMessage } from './support/rows.ts';
import { startSiteverify } from './support/siteverify-server.ts';
import { closedPort } from './support/unreachable.ts';

const siteverifySecret = 'canary-captcha-secret';
const altcha: Settings = { CAPTCHA_PROVIDER: 'altcha', CAPTCHA_SECRET: 'canary-secret-of-the-proof-of-work' };
const turnstile = (url: string, more: Settings = {}): Settings => ({
  NODE_ENV: 'development',
  CAPTCHA_PROVIDER: 'turnstile',
  CAPTCHA_SECRET: siteverifySecret,
  CAPTCHA_VERIFY_URL: url,
  CAPTCHA_HOSTNAMES: 'app.example.com',
  ...more,
});

const expectRefused = (
  answer: Awaited<ReturnType<typeof resend>>,
  reason: ErrorReason,
  status = 400,
): void => {
  expectProblem(answer, { status, reason });
};

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
      await installation.db.deleteFrom('messages').execute();
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

  describe('of a provider, with CAPTCHA_WHEN=ip_full', () => {
    it('lets 200 recipients behind one address through, and their own limits hold', async () => {
      await using siteverify = await startSiteverify();
      const api = await installation.startApi(turnstile(siteverify.url));
      const from = newClient();
      for (let i = 0; i < 5; i += 1) expect((await resend(api, newEmail(), { from })).statusCode).toBe(200);
      expect(siteverify.asked, 'nobody is asked while there is room').toEqual([]);
      const emails = Array.from({ length: 200 }, newEmail);
      for (const answer of await Promise.all(emails.map((email) => resend(api, email, { from }))))
        expectRefused(answer, 'CAPTCHA_REQUIRED');
      const answers = await Promise.all(
        emails.map((email, i) => resend(api, email, { from, body: { captchaToken: `office-${i}:resend` } })),
      );
      expect(answers.filter((answer) => answer.statusCode === 200)).toHaveLength(200);
      const again = await resend(api, emails[0] ?? '', {
        from,
        body: { captchaToken: 'office-again:resend' },
      });
      expectRefused(again, 'RESEND_COOLDOWN', 429);
      expect(siteverify.asked, 'the cooldown spent nothing').toHaveLength(200);
      expect(siteverify.asked[0]).toMatchObject({ secret: siteverifySecret, remoteip: from });
    }, 60_000);

    it('takes each answer once, also when the provider would take it twice', async () => {
      const yes = JSON.stringify({
        success: true,
        hostname: 'app.example.com',
        action: 'resend',
        challenge_ts: new Date().toISOString(),
      });
      await using siteverify = await startSiteverify(() => ({ body: yes }));
      const api = await installation.startApi(turnstile(siteverify.url, { CAPTCHA_WHEN: 'always' }));
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => resend(api, newEmail(), { body: { captchaToken: 'one-answer' } })),
      );
      expect(answers.map((answer) => answer.statusCode).filter((status) => status === 200)).toHaveLength(1);
    });

    it.each<readonly [string, Parameters<typeof startSiteverify>[0]]>([
      ['answers 500', () => ({ status: 500, body: '{}' })],
      ['redirects', () => ({ status: 302, location: 'http://127.0.0.1:1/' })],
      ['answers no JSON', () => ({ body: '<html>' })],
      ['answers without end', () => ({ body: `"${'x'.repeat(100_000)}"` })],
      ['refuses our secret', () => ({ body: '{"success":false,"error-codes":["invalid-input-secret"]}' })],
    ])('that %s counts as away: closed refuses with 503, open leaves the limits', async (_, respond) => {
      await using siteverify = await startSiteverify(respond);
      const always = turnstile(siteverify.url, { CAPTCHA_WHEN: 'always', RATE_LIMIT_IP: '1/3600' });
      const closed = await installation.startApi({ ...always, CAPTCHA_ON_OUTAGE: 'closed' });
      const body = { captchaToken: 'some-answer' };
      const away = await resend(closed, newEmail(), { body });
      expectRefused(away, 'CAPTCHA_UNAVAILABLE', 503);
      expect(away.headers['retry-after']).toBe('5');
      const open = await installation.startApi(always);
      const from = newClient();
      expect((await resend(open, newEmail(), { from, body })).statusCode).toBe(200);
      expectRefused(await resend(open, newEmail(), { from, body }), 'IP_RATE_LIMIT', 429);
      const ipFull = await installation.startApi({ ...always, CAPTCHA_WHEN: 'ip_full' });
      expectRefused(await resend(ipFull, newEmail(), { from, body }), 'IP_RATE_LIMIT', 429);
      const noAnswer = await resend(open, newEmail(), { from: newClient() });
      expectRefused(noAnswer, 'CAPTCHA_REQUIRED');
    });

    it('that is silent is waited for three seconds at most', async () => {
      await using siteverify = await startSiteverify(() => 'silence');
      const api = await installation.startApi(
        turnstile(siteverify.url, { CAPTCHA_WHEN: 'always', CAPTCHA_ON_OUTAGE: 'closed' }),
      );
      const startMs = performance.now();
      expectRefused(
        await resend(api, newEmail(), { body: { captchaToken: 'a' } }),
        'CAPTCHA_UNAVAILABLE',
        503,
      );
      const tookMs = performance.now() - startMs;
      expect(tookMs).toBeGreaterThan(2900);
      expect(tookMs).toBeLessThan(4500);
    });

    it('that is not there is asked twice where that is safe, with one idempotency key', async () => {
      let calls = 0;
      await using siteverify = await startSiteverify(() => {
        calls += 1;
        return calls === 1 ? { status: 502, body: '' } : {};
      });
      const api = await installation.startApi(turnstile(siteverify.url, { CAPTCHA_WHEN: 'always' }));
      expect((await resend(api, newEmail(), { body: { captchaToken: 'a-new-one:resend' } })).statusCode).toBe(
        200,
      );
      expect(new Set(siteverify.asked.map((form) => form['idempotency_key'])).size).toBe(1);
      expect(siteverify.asked).toHaveLength(2);
    });

    it('leaves neither answer nor secret in a log line or a row', async () => {
      await using siteverify = await startSiteverify();
      const api = await installation.startApi(
        turnstile(siteverify.url, { CAPTCHA_WHEN: 'always', LOG_LEVEL: 'trace' }),
      );
      await resend(api, newEmail(), { body: { captchaToken: 'canary-answer:resend' } });
      await resend(api, newEmail(), { body: { captchaToken: 'canary-answer:resend' } });
      const away = await installation.startApi(
        turnstile(`http://127.0.0.1:${await closedPort()}/`, { CAPTCHA_WHEN: 'always', LOG_LEVEL: 'trace' }),
      );
      await resend(away, newEmail(), { body: { captchaToken: 'canary-answer-2' } });
      expect(away.logged()).toContain('captcha.unavailable');
      const rows = JSON.stringify(await installation.db.selectFrom('captcha_answers').selectAll().execute());
      for (const secret of ['canary-answer', siteverifySecret]) {
        expect(api.logged()).not.toContain(secret);
        expect(away.logged()).not.toContain(secret);
        expect(Buffer.from(rows).includes(secret)).toBe(false);
      }
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
