import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import {
  type Answer,
  get,
  post,
  type Registered,
  register,
  resend,
  setTenantStatus,
  tenantOf,
} from './support/requests.ts';
import { countRows } from './support/rows.ts';

const unknownToken = 'f'.repeat(64);
const verified = 'Email verified. You can now promote your account to production.';

describe('a verification link', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
  });
  afterAll(() => installation.close());

  const registerAndMail = async (): Promise<Registered & { readonly token: string }> => {
    const registered = await register(api);
    return { ...registered, token: (await handOverNewest(installation.db, api.config)).token };
  };
  const confirm = (token: string): Promise<Answer> => post(api, '/v1/verify-email', { token });
  const submitForm = (token: string): Promise<Answer> =>
    api.app.inject({
      method: 'POST',
      url: '/v1/verify-email',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ token }).toString(),
    });
  const check = (token: string): Promise<Answer> => get(api, `/v1/verify-email/check?token=${token}`);
  const page = (token: string, headers: Record<string, string> = {}): Promise<Answer> =>
    get(api, `/v1/verify-email?token=${token}`, { headers: { accept: 'text/html', ...headers } });
  const expireAll = () =>
    installation.db
      .updateTable('verifications')
      .set({ expires_at: new Date(Date.now() - 1000) })
      .execute();

  it('confirms the address: 200 with the documented answer, and the tenant becomes ACTIVE', async () => {
    const { token, email, ...rest } = await registerAndMail();
    const answer = await confirm(token);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ ok: true, email, message: verified });
    expect(await tenantOf(api, rest)).toMatchObject({
      status: 'ACTIVE',
      verifiedAt: expect.any(String) as string,
    });
  });

  it('a second POST within its lifetime answers the same success and changes nothing more', async () => {
    const { token } = await registerAndMail();
    const first = await confirm(token);
    const before = await countRows(installation.db);
    const second = await confirm(token);
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body]);
    expect(await countRows(installation.db)).toEqual(before);
  });

  it('of 20 parallel POSTs all succeed, and the tenant is verified once', async () => {
    const { token, apiKey } = await registerAndMail();
    const answers = await Promise.all(Array.from({ length: 20 }, () => confirm(token)));
    expect(new Set(answers.map((answer) => answer.statusCode))).toEqual(new Set([200]));
    const events = await get(api, '/v1/tenants/events', { headers: { authorization: `Bearer ${apiKey}` } });
    expect(events.body.split('EMAIL_VERIFIED')).toHaveLength(2);
  });

  it('opening it 100 times with GET, HEAD and the check consumes nothing', async () => {
    const { token, ...rest } = await registerAndMail();
    const before = await installation.db.selectFrom('verifications').selectAll().execute();
    for (let count = 0; count < 100; count += 1) {
      const opened = [
        await page(token),
        await get(api, `/v1/verify-email?token=${token}`, { headers: { accept: 'application/json' } }),
        await api.app.inject({ method: 'HEAD', url: `/v1/verify-email?token=${token}` }),
        await check(token),
      ];
      expect(opened.map((answer) => answer.statusCode)).toEqual([200, 200, 200, 200]);
    }
    expect(await installation.db.selectFrom('verifications').selectAll().execute()).toEqual(before);
    expect(await tenantOf(api, rest)).toMatchObject({ status: 'PENDING_VERIFICATION' });
    expect((await confirm(token)).statusCode).toBe(200);
  });

  it('the check tells the address of a live token only', async () => {
    const { token, email } = await registerAndMail();
    expect((await check(token)).json()).toEqual({ valid: true, email });
    await confirm(token);
    expect((await check(token)).json()).toEqual({ valid: false });
    expect((await check(unknownToken)).json()).toEqual({ valid: false });
  });

  it('the check answers JSON whatever is accepted, also when it cannot be answered', async () => {
    for (const accept of ['text/html', '*/*', 'application/json']) {
      const answer = await get(api, '/v1/verify-email/check?token=short', { headers: { accept } });
      expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' });
    }
  });

  it('the page answers like the check where JSON is asked for', async () => {
    const { token, email } = await registerAndMail();
    const asJson = { headers: { accept: 'application/json' } };
    const live = await get(api, `/v1/verify-email?token=${token}`, asJson);
    expect([live.headers['content-type'], live.json()]).toEqual([
      'application/json; charset=utf-8',
      { valid: true, email },
    ]);
    expectProblem(await get(api, '/v1/verify-email?token=short', asJson), {
      status: 400,
      reason: 'VALIDATION_FAILED',
    });
  });

  it('the page has one form that posts the token, and may be kept, framed or named by nobody', async () => {
    const { token, email } = await registerAndMail();
    const answer = await page(token);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body.match(/<form/g)).toHaveLength(1);
    expect(answer.body).toContain('method="post" action="/v1/verify-email"');
    expect(answer.body).toContain(token);
    expect(answer.body).toContain(email);
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(String(answer.headers['referrer-policy'])).toMatch(/^(no-referrer|strict-origin)$/);
    expect(String(answer.headers['content-security-policy'])).toMatch(
      /default-src 'none'.*frame-ancestors 'none'/,
    );
  });

  it.each([
    ['es', 'lang="es"'],
    ['en', 'lang="en"'],
    ['pt-PT, en;q=0.5', 'lang="pt-BR"'],
    ['ar-EG', 'lang="ar" dir="rtl"'],
    ['sw', 'lang="en"'],
  ])('the page speaks the language that the browser asks for (%s)', async (wanted, lang) => {
    const { token } = await registerAndMail();
    expect((await page(token, { 'accept-language': wanted })).body).toContain(lang);
  });

  it('the form of the page confirms, and answers with a page both times', async () => {
    const { token, ...rest } = await registerAndMail();
    for (let count = 0; count < 2; count += 1) {
      const answer = await submitForm(token);
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(answer.body).not.toContain('<form');
    }
    expect(await tenantOf(api, rest)).toMatchObject({ status: 'ACTIVE' });
  });

  it('dies at once when a newer mail is accepted, before that is sent: 400 TOKEN_SUPERSEDED', async () => {
    const { token, email, ...rest } = await registerAndMail();
    await resend(api, email);
    expectProblem(await confirm(token), {
      status: 400,
      code: 'INVALID_OR_EXPIRED_TOKEN',
      reason: 'TOKEN_SUPERSEDED',
    });
    expect((await check(token)).json()).toEqual({ valid: false });
    expect((await page(token)).statusCode).toBe(400);
    expect(await tenantOf(api, rest)).toMatchObject({ status: 'PENDING_VERIFICATION' });
    expect((await confirm((await handOverNewest(installation.db, api.config)).token)).statusCode).toBe(200);
  });

  it('outlives a newer request that a limit refused', async () => {
    const limited = await installation.startApi();
    const registered = await register(limited);
    const { token } = await handOverNewest(installation.db, api.config);
    expect((await resend(limited, registered.email)).statusCode).toBe(429);
    expect((await confirm(token)).statusCode).toBe(200);
  });

  it.each([
    ['24 hours', {}, 24],
    ['VERIFICATION_TOKEN_TTL_HOURS', { VERIFICATION_TOKEN_TTL_HOURS: '2' }, 2],
  ])('lives for %s from the hand-over', async (_what, settings, hours) => {
    const { config } = await installation.startApi(settings);
    await register(api);
    const { messageId, token } = await handOverNewest(installation.db, config);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    const { expires_at, handed_over } = await installation.db
      .selectFrom('verifications')
      .innerJoin('messages', 'messages.id', 'verifications.message_id')
      .select(['verifications.expires_at', 'messages.sent_at as handed_over'])
      .where('messages.id', '=', messageId)
      .executeTakeFirstOrThrow();
    expect(Number(expires_at) - Number(handed_over)).toBe(hours * 3_600_000);
  });

  it('is a 400 TOKEN_EXPIRED after its lifetime, used or not', async () => {
    const { token } = await registerAndMail();
    const used = await registerAndMail();
    await confirm(used.token);
    await expireAll();
    for (const old of [token, used.token]) {
      expectProblem(await confirm(old), {
        status: 400,
        code: 'INVALID_OR_EXPIRED_TOKEN',
        reason: 'TOKEN_EXPIRED',
      });
      expect((await check(old)).json()).toEqual({ valid: false });
    }
  });

  it('is a 403 ACCOUNT_SUSPENDED while the account is suspended, and works again afterwards', async () => {
    const { token, tenantId } = await registerAndMail();
    await setTenantStatus(api, tenantId, 'SUSPENDED');
    expectProblem(await confirm(token), { status: 403, code: 'FORBIDDEN', reason: 'ACCOUNT_SUSPENDED' });
    expect((await check(token)).json()).toEqual({ valid: false });
    for (const shown of [await page(token), await submitForm(token)])
      expect([shown.statusCode, shown.headers['content-type']]).toEqual([403, 'text/html; charset=utf-8']);
    await setTenantStatus(api, tenantId, 'PENDING_VERIFICATION');
    expect((await page(token)).statusCode).toBe(200);
    expect((await confirm(token)).statusCode).toBe(200);
  });

  it('is a 400 TOKEN_UNKNOWN when it was never sent', async () => {
    expectProblem(await confirm(unknownToken), {
      status: 400,
      code: 'INVALID_OR_EXPIRED_TOKEN',
      reason: 'TOKEN_UNKNOWN',
    });
    const answer = await submitForm(unknownToken);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([400, 'text/html; charset=utf-8']);
  });

  it.each([
    ['too short', 'a'.repeat(63)],
    ['too long', 'a'.repeat(65)],
    ['in capitals', 'A'.repeat(64)],
    ['not hexadecimal', 'g'.repeat(64)],
    ['with a line break', `${'a'.repeat(64)}\n`],
    ['empty', ''],
  ])('a token that is %s is a 400 VALIDATION_FAILED that does not repeat it', async (_what, token) => {
    for (const answer of [await confirm(token), await check(encodeURIComponent(token))]) {
      const problem = expectProblem(answer, {
        status: 400,
        code: 'VALIDATION_ERROR',
        reason: 'VALIDATION_FAILED',
      });
      expect(fieldsOf(problem)).toEqual(['token']);
      if (token !== '') expect(answer.body).not.toContain(token.trim());
    }
    const shown = await page(encodeURIComponent(token));
    expect([shown.statusCode, shown.headers['content-type']]).toEqual([400, 'text/html; charset=utf-8']);
    if (token !== '') expect(shown.body).not.toContain(token.trim());
  });
});
