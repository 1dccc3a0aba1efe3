import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { base, call, deliverNewest, gotrueSettings, withoutLimits } from '../support/gotrue.ts';
import { cookieOf, expired, type Pages, pagesOf, site, targetOf } from '../support/gotrue-pages.ts';
import { appOrigin, type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { newClient, newEmail, register, setTenantStatus } from '../support/requests.ts';

describe('the page of a link', () => {
  let installation: Installation;
  let api: TestApi;
  let pages: Pages;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ ...gotrueSettings(), ...withoutLimits });
    pages = pagesOf(api, installation.db);
  });
  afterAll(() => installation.close());
  const press: Pages['press'] = (...form) => pages.press(...form);
  const signUp: Pages['signUp'] = (...body) => pages.signUp(...body);
  const open: Pages['open'] = (...link) => pages.open(...link);
  const askFor: Pages['askFor'] = (...asked) => pages.askFor(...asked);
  const verificationRows = () =>
    installation.db.selectFrom('verifications').selectAll().orderBy('message_id').execute();

  it.each(['GET', 'HEAD'] as const)(
    '%s of a link, ten times, consumes nothing and changes no row',
    async (method) => {
      const { token } = await signUp();
      const before = await verificationRows();
      for (let i = 0; i < 10; i += 1) {
        const answer = await open(token, { method });
        expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
        expect(answer.body).not.toMatch(/<script|http-equiv/i);
      }
      expect(await verificationRows()).toEqual(before);
    },
  );

  it('of a sign-up has one button, whose press confirms and leads back with a session', async () => {
    const { token, email } = await signUp({ redirect_to: `${appOrigin}/inside?tab=1` });
    const page = await open(token);
    expect(page.body).toContain(`action="${base}/verify/press"`);
    // Browsers hold the redirect after a form against this policy, too.
    expect(String(page.headers['content-security-policy'])).toContain(`form-action 'self' ${appOrigin};`);
    const pressed = await press({ token });
    expect([pressed.statusCode, pressed.headers['cache-control']]).toEqual([303, 'no-store']);
    const { page: target, query, fragment } = targetOf(pressed);
    expect([target, query]).toEqual([`${appOrigin}/inside`, { tab: '1' }]);
    expect(fragment).toMatchObject({ token_type: 'bearer', type: 'signup', expires_in: '900' });
    const user = await call(api, 'GET', '/user', undefined, {
      headers: { authorization: `Bearer ${fragment['access_token']}` },
    });
    expect(user.json()).toMatchObject({ email });
  });

  it('pressed again is a success without a session; 20 presses at once confirm once', async () => {
    const { token, email } = await signUp();
    const presses = await Promise.all(Array.from({ length: 20 }, () => press({ token })));
    const fragments = presses.map((answer) => targetOf(answer).fragment);
    expect(fragments.filter((fragment) => 'access_token' in fragment)).toHaveLength(1);
    expect(
      fragments.filter((fragment) => fragment['message'] === 'Email address already confirmed'),
    ).toHaveLength(19);
    const events = await installation.db
      .selectFrom('account_events')
      .innerJoin('accounts', 'accounts.id', 'account_events.account_id')
      .select('type')
      .where('email', '=', email)
      .where('type', '=', 'EMAIL_VERIFIED')
      .execute();
    expect(events).toHaveLength(1);
    expect((await open(token)).statusCode).toBe(200);
  });

  describe.each([
    ['a magic link', '/otp', 'magiclink'],
    ['a recovery', '/recover', 'recovery'],
  ] as const)('of %s', (_, path, type) => {
    it('pressed by a client without cookie and code leaves the token live', async () => {
      const { token, cookie } = await askFor(path);
      for (let i = 0; i < 3; i += 1) {
        const scanner = await press({ token });
        expect([scanner.statusCode, scanner.headers.location]).toEqual([200, undefined]);
        expect(scanner.body).toContain('name="code"');
      }
      expect(targetOf(await press({ token }, cookie)).fragment).toMatchObject({ type });
    });

    it('asks another browser for the code, and takes it', async () => {
      const { token, code } = await askFor(path);
      expect((await open(token)).body).toContain('autocomplete="one-time-code"');
      const wrong = code === '000000' ? '000001' : '000000';
      const refused = await press({ token, code: wrong });
      expect([refused.statusCode, refused.headers.location]).toEqual([403, undefined]);
      expect(refused.body).toContain('aria-invalid');
      const typed = `${code.slice(0, 3)} ${code.slice(3)}`;
      expect(targetOf(await press({ token, code: typed })).fragment).toMatchObject({ type });
    });

    it('lets nobody in twice', async () => {
      const { token, cookie } = await askFor(path);
      await press({ token }, cookie);
      const { page, fragment } = targetOf(await press({ token }, cookie));
      expect([page, fragment]).toEqual([site, { ...expired, sb: '' }]);
      expect(targetOf(await open(token)).fragment).toMatchObject(expired);
    });

    it('is not opened by the cookie of another browser', async () => {
      const { token } = await askFor(path);
      const other = cookieOf(await call(api, 'POST', path, { email: newEmail() }));
      expect((await press({ token }, other)).statusCode).toBe(200);
      expect((await press({ token }, `${other.split('=')[0]}=${'a'.repeat(43)}`)).statusCode).toBe(200);
    });

    it('guessed by parallel presses compares five codes, and goes on working in its own browser', async () => {
      const { token, code, cookie } = await askFor(path);
      const wrong = code === '000000' ? '000001' : '000000';
      const guesses = await Promise.all(Array.from({ length: 30 }, () => press({ token, code: wrong })));
      const statuses = guesses.map(({ statusCode }) => statusCode);
      expect(statuses.filter((status) => status === 403)).toHaveLength(5);
      expect(statuses.filter((status) => status === 429)).toHaveLength(25);
      expect((await press({ token, code })).statusCode).toBe(429);
      expect((await press({ token }, cookie)).statusCode).toBe(303);
    });
  });

  it('knows the browser again that asks a second time', async () => {
    const first = await call(api, 'POST', '/recover', { email: newEmail() });
    const again = await call(
      api,
      'POST',
      '/recover',
      { email: newEmail() },
      { headers: { cookie: cookieOf(first) } },
    );
    expect(cookieOf(again)).toBe(cookieOf(first));
    expect(String(first.headers['set-cookie'])).toMatch(
      /^__Host-reconfirm-browser=[\w-]{43}; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure$/,
    );
  });

  it('keeps the redirect with the message: what a link or a form adds changes nothing', async () => {
    const { token } = await signUp({ redirect_to: `${appOrigin}/mine` });
    await open(token, { query: `&redirect_to=${encodeURIComponent(`${appOrigin}/other`)}` });
    const pressed = await press({ token, redirect_to: `${appOrigin}/other` });
    expect(targetOf(pressed).page).toBe(`${appOrigin}/mine`);
  });

  it.each([
    ['unknown', '0'.repeat(64)],
    ['malformed', 'not-a-token'],
    ['missing', ''],
  ])('of an %s token leads to the site with #error', async (_, token) => {
    const answer = await open(token);
    expect(answer.statusCode).toBe(303);
    expect(targetOf(answer)).toEqual({ page: site, query: {}, fragment: { ...expired, sb: '' } });
  });

  it('of an unknown token leads to the redirect of the request when it is allowed, else to the site', async () => {
    const to = async (url: string) =>
      targetOf(await open('0'.repeat(64), { query: `&redirect_to=${encodeURIComponent(url)}` })).page;
    expect(await to(`${appOrigin}/here`)).toBe(`${appOrigin}/here`);
    expect(await to('https://evil.example/here')).toBe(site);
  });

  it('of an expired, superseded or suspended link leads back to where it was asked for, with the error', async () => {
    const { token, messageId, email } = await signUp({ redirect_to: `${appOrigin}/mine` });
    await call(api, 'POST', '/resend', { type: 'signup', email });
    for (const answer of [await open(token), await press({ token })])
      expect(targetOf(answer)).toEqual({
        page: `${appOrigin}/mine`,
        query: {},
        fragment: { ...expired, sb: '' },
      });
    const { token: newer } = await deliverNewest(api, installation.db, 'signup');
    await installation.db
      .updateTable('verifications')
      .set({ expires_at: new Date(0) })
      .where('message_id', '<>', messageId)
      .execute();
    expect(targetOf(await press({ token: newer })).fragment).toMatchObject(expired);
    const suspended = await register(api);
    await call(api, 'POST', '/resend', { type: 'recovery', email: suspended.email });
    const recovery = await deliverNewest(api, installation.db, 'recovery');
    await setTenantStatus(api, suspended.tenantId, 'SUSPENDED');
    expect(targetOf(await press({ token: recovery.token })).fragment).toMatchObject({
      error: 'access_denied',
      error_code: 'user_banned',
    });
  });

  it('takes no form where a cross-site page could post one', async () => {
    for (const path of ['/resend', '/otp', '/recover', '/signup', '/verify', '/token?grant_type=password'])
      expect(
        (
          await api.app.inject({
            method: 'POST',
            url: `${base}${path}`,
            remoteAddress: newClient(),
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            payload: `type=signup&email=${newEmail()}`,
          })
        ).statusCode,
      ).toBe(415);
  });

  it('shows nobody’s token, address or code in the log', async () => {
    const { token, code, email } = await askFor('/otp');
    await press({ token, code });
    const logged = api.logged();
    for (const secret of [token, code, email]) expect(logged.includes(`"${secret}`)).toBe(false);
    expect(logged.includes(token)).toBe(false);
  });
});
