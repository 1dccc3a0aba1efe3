import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused } from './support/captcha.ts';
import { type Installation, openInstallation, type Settings } from './support/installation.ts';
import { newClient, newEmail, resend } from './support/requests.ts';
import { newestMessage } from './support/rows.ts';
import { startSiteverify } from './support/siteverify-server.ts';
import { closedPort } from './support/unreachable.ts';

const siteverifySecret = 'canary-captcha-secret';
const turnstile = (url: string, more: Settings = {}): Settings => ({
  NODE_ENV: 'development',
  CAPTCHA_PROVIDER: 'turnstile',
  CAPTCHA_SECRET: siteverifySecret,
  CAPTCHA_VERIFY_URL: url,
  CAPTCHA_HOSTNAMES: 'app.example.com',
  ...more,
});

let installation: Installation;
beforeAll(async () => {
  installation = await openInstallation();
});
afterAll(() => installation.close());

describe('a captcha of a provider', () => {
  it('lets 200 recipients behind one address through, and their own limits hold', async () => {
    await using siteverify = await startSiteverify();
    const api = await installation.startApi(turnstile(siteverify.url));
    const from = newClient();
    for (let i = 0; i < 5; i += 1) expect((await resend(api, newEmail(), { from })).statusCode).toBe(200);
    expect(siteverify.asked, 'nobody is asked while there is room').toEqual([]);
    const emails = Array.from({ length: 200 }, newEmail);
    // 20 at once: the answer of the provider has a deadline, which a machine with one core free would miss.
    const groups = Array.from({ length: 10 }, (_, group) => emails.slice(group * 20, (group + 1) * 20));
    for (const group of groups) {
      const unanswered = await Promise.all(group.map((email) => resend(api, email, { from })));
      for (const answer of unanswered) expectRefused(answer, 'CAPTCHA_REQUIRED');
      const answered = await Promise.all(
        group.map((email) => resend(api, email, { from, body: { captchaToken: `${email}:resend` } })),
      );
      expect(answered.map((answer) => answer.statusCode)).toEqual(group.map(() => 200));
    }
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
    expect((await newestMessage(installation.db)).passed_captcha, 'nobody solved anything').toBe(false);
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
    expectRefused(await resend(api, newEmail(), { body: { captchaToken: 'a' } }), 'CAPTCHA_UNAVAILABLE', 503);
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
