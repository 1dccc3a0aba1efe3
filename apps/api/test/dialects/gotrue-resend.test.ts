import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  base,
  call,
  deliverNewest,
  gotrueSettings,
  messagesOf,
  newPhone,
  password,
  withoutLimits,
} from '../support/gotrue.ts';
import { appOrigin, type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { type Answer, newClient, newEmail, post, register, setTenantStatus } from '../support/requests.ts';
import { newestMessage } from '../support/rows.ts';

const dated = { 'x-supabase-api-version': '2024-01-01' };
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

/** The dated form of a refusal. */
const refusalOf = (answer: Answer) => {
  expect(answer.headers['x-sb-error-code']).toBe(answer.json<{ code: string }>().code);
  expect(answer.headers['x-supabase-api-version']).toBe('2024-01-01');
  return [
    answer.statusCode,
    answer.json<{ code: string }>().code,
    answer.json<{ message: string }>().message,
  ];
};

describe('POST /resend', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ ...gotrueSettings(), ...withoutLimits });
  });
  afterAll(() => installation.close());

  const resend = (body: unknown, more: Parameters<typeof call>[4] = {}) =>
    call(api, 'POST', '/resend', body, { ...more, headers: { ...dated, ...more.headers } });

  it.each(['signup', 'recovery', 'magiclink', 'email_change'])(
    'takes the type %s with an address and answers an opaque message_id',
    async (type) => {
      const answer = await resend({ type, email: newEmail() });
      expect([answer.statusCode, Object.keys(answer.json())]).toEqual([200, ['message_id']]);
      const { purpose, contract, id } = await newestMessage(installation.db);
      expect([purpose, contract, id]).toEqual([
        type,
        'gotrue',
        answer.json<{ message_id: string }>().message_id,
      ]);
    },
  );

  it.each(['sms', 'phone_change'])('takes the type %s with a number', async (type) => {
    const answer = await resend({ type, phone: newPhone() });
    expect(answer.statusCode).toBe(200);
    expect(await newestMessage(installation.db)).toMatchObject({ purpose: type, channel: 'sms' });
  });

  // In the order in which they are judged: each body is wrong in everything that comes after as well.
  it.each([
    [{ email: 'x', phone: 'y' }, 'Missing one of these types: signup, email_change, sms, phone_change'],
    [
      { type: 'invite', email: 'x', phone: 'y' },
      'Missing one of these types: signup, email_change, sms, phone_change',
    ],
    [
      { type: '__proto__', email: 'x' },
      'Missing one of these types: signup, email_change, sms, phone_change',
    ],
    [{ type: 'signup', phone: 'y' }, 'Type provided requires an email address'],
    [{ type: 'recovery', phone: 'y' }, 'Type provided requires an email address'],
    [{ type: 'magiclink' }, 'Type provided requires an email address'],
    [{ type: 'sms', email: 'x' }, 'Type provided requires a phone number'],
    [{ type: 'signup', email: 'x', phone: 'y' }, 'Only an email address or phone number should be provided.'],
    [{ type: 'email_change' }, 'Missing email address or phone number'],
    [{ type: 'signup', email: 'x' }, 'Unable to validate email address: invalid format'],
    [{ type: 'sms', phone: '12' }, 'Invalid phone number format (E.164 required)'],
    [{ type: 'email_change', phone: '+4520000001' }, 'Type provided requires an email address'],
    [{ type: 'phone_change', email: 'a@example.org' }, 'Type provided requires a phone number'],
  ])('%j is refused with "%s"', async (body, message) =>
    expect(refusalOf(await resend(body))).toEqual([400, 'validation_failed', message]),
  );

  it.each([
    [
      { code_challenge: challenge },
      'PKCE flow requires code_challenge_method and code_challenge to both be present or absent',
    ],
    [
      { code_challenge_method: 's256' },
      'PKCE flow requires code_challenge_method and code_challenge to both be present or absent',
    ],
    [
      { code_challenge: 'short', code_challenge_method: 's256' },
      'code challenge has to be between 43 and 128 characters',
    ],
    [
      { code_challenge: `${challenge}!`, code_challenge_method: 's256' },
      'code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes',
    ],
    [
      { code_challenge: challenge, code_challenge_method: 'md5' },
      'unsupported code_challenge_method: use s256 or plain',
    ],
  ])('PKCE is both or neither: %j is refused', async (pkce, message) =>
    expect(refusalOf(await resend({ type: 'signup', email: newEmail(), ...pkce }))).toEqual([
      400,
      'validation_failed',
      message,
    ]),
  );

  it('takes null for absent and passes over what it does not know', async () => {
    const answer = await resend({
      type: 'signup',
      email: newEmail(),
      phone: null,
      code_challenge: null,
      code_challenge_method: null,
      gotrue_meta_security: { captcha_token: null, more: 1 },
      unheard_of: ['x'],
    });
    expect(answer.statusCode).toBe(200);
  });

  it('remembers a plain challenge as its hash, so that no verifier is at rest', async () => {
    await resend({
      type: 'signup',
      email: newEmail(),
      code_challenge: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      code_challenge_method: 'plain',
    });
    expect((await newestMessage(installation.db)).context).toMatchObject({ challenge });
  });

  it('answers alike for absent, pending, verified and suspended: status, header names, body shape, row', async () => {
    const pending = await register(api);
    const [verified, suspended] = [await register(api), await register(api)];
    for (const { tenantId } of [verified]) await setTenantStatus(api, tenantId, 'ACTIVE');
    await setTenantStatus(api, suspended.tenantId, 'SUSPENDED');
    const answers = [];
    for (const email of [newEmail(), pending.email, verified.email, suspended.email])
      for (const path of ['/resend', '/recover', '/magiclink', '/otp']) {
        const body = { type: 'signup', email, create_user: false };
        const { statusCode, headers, json } = await call(api, 'POST', path, body);
        answers.push({
          path,
          statusCode,
          headers: Object.keys(headers).toSorted(),
          body: Object.keys(json()),
        });
      }
    for (const answer of answers)
      expect(answer).toEqual({ ...answers.find(({ path }) => path === answer.path) });
    expect(answers[0]?.body).toEqual(['message_id']);
  });

  describe('redirect_to', () => {
    const redirectOf = async (query: string, body: object, headers: Record<string, string> = {}) => {
      await call(api, 'POST', `/resend${query}`, { type: 'signup', email: newEmail(), ...body }, { headers });
      return (await newestMessage(installation.db)).redirect_url;
    };
    const allowed = (page: string) => `${appOrigin}/${page}`;

    it('is taken from the header, the query or the body, in this order', async () => {
      const [header, query, body] = [allowed('header'), allowed('query'), allowed('body')];
      expect(await redirectOf(`?redirect_to=${query}`, { redirect_to: body }, { redirect_to: header })).toBe(
        header,
      );
      expect(await redirectOf(`?redirect_to=${query}`, { redirect_to: body })).toBe(query);
      expect(await redirectOf('', { redirect_to: body })).toBe(body);
      expect(await redirectOf('', {}, { referer: allowed('page') })).toBe(allowed('page'));
    });

    it.each([
      'https://evil.example',
      '//evil.example',
      'javascript:alert(1)',
      `${appOrigin}@evil.example`,
      'http://app.example.com/',
    ])('%s is replaced silently by the URL of the site', async (url) => {
      const answer = await call(api, 'POST', `/resend?redirect_to=${encodeURIComponent(url)}`, {
        type: 'signup',
        email: newEmail(),
      });
      expect([answer.statusCode, (await newestMessage(installation.db)).redirect_url]).toEqual([200, null]);
    });
  });

  it('a redirect of this contract is of its request only: later mails of v1 do not lead there', async () => {
    const tenant = await register(api);
    await call(api, 'POST', '/resend', {
      type: 'signup',
      email: tenant.email,
      redirect_to: `${appOrigin}/once`,
    });
    await deliverNewest(api, installation.db, 'signup');
    const account = await installation.db
      .selectFrom('accounts')
      .select('redirect_url')
      .where('id', '=', tenant.tenantId)
      .executeTakeFirstOrThrow();
    expect(account.redirect_url).toBeNull();
  });

  it('used in turn with v1 on one account they see one truth', async () => {
    const tenant = await register(api);
    const older = await deliverNewest(api, installation.db, 'signup');
    await call(api, 'POST', '/resend', { type: 'signup', email: tenant.email });
    const newer = await deliverNewest(api, installation.db, 'signup');
    // What this contract sent ended the link of v1, and v1 confirms what this contract sent.
    expect((await post(api, '/v1/verify', { token: older.token })).statusCode).toBe(400);
    expect((await post(api, '/v1/verify', { email: tenant.email, code: newer.code })).statusCode).toBe(200);
    expect((await post(api, '/v1/resend-verification', { email: tenant.email })).statusCode).toBe(409);
    const user = await call(api, 'POST', '/otp', { email: tenant.email, create_user: false });
    expect(user.statusCode).toBe(200);
    const link = await deliverNewest(api, installation.db, 'magiclink');
    const session = await call(api, 'POST', '/verify', { type: 'magiclink', token_hash: link.token });
    expect(session.json()).toMatchObject({ user: { id: tenant.tenantId, email: tenant.email } });
  });

  it('an account of this contract is a tenant of v1', async () => {
    const email = newEmail();
    const { id } = (await call(api, 'POST', '/signup', { email, password })).json<{ id: string }>();
    const { token } = await deliverNewest(api, installation.db, 'signup');
    expect((await post(api, '/v1/verify', { token })).json()).toMatchObject({ ok: true, email });
    const signedIn = await call(api, 'POST', '/token?grant_type=password', { email, password });
    expect(signedIn.json()).toMatchObject({ user: { id, email_confirmed_at: expect.any(String) as string } });
  });
});

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
    expect(refusalOf(answer)).toEqual([
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

describe('settings of the contract', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());
  const start = (settings: Record<string, string>) =>
    installation.startApi({ ...gotrueSettings(), ...withoutLimits, ...settings });

  it('GOTRUE_MESSAGE_ID=phone-only answers {} for mails, as GoTrue does', async () => {
    const api = await start({ GOTRUE_MESSAGE_ID: 'phone-only' });
    expect((await call(api, 'POST', '/resend', { type: 'signup', email: newEmail() })).json()).toEqual({});
    expect((await call(api, 'POST', '/otp', { phone: newPhone() })).json()).toHaveProperty('message_id');
  });

  it('EMAIL_PROVIDER=none refuses mails before any limit, and before the address is looked at', async () => {
    const api = await start({ EMAIL_PROVIDER: 'none', GOTRUE_RATE_LIMIT_IP: '1/600' });
    for (const email of ['no address', newEmail(), newEmail()])
      expect(
        refusalOf(
          await call(api, 'POST', '/resend', { type: 'signup', email }, { headers: dated, from: '10.9.9.9' }),
        ),
      ).toEqual([400, 'email_provider_disabled', 'Email logins are disabled']);
  });

  it('GOTRUE_PHONE=off refuses numbers', async () => {
    const api = await start({ GOTRUE_PHONE: 'off' });
    for (const [path, body] of [
      ['/resend', { type: 'sms' }],
      ['/otp', {}],
      ['/signup', { password }],
      ['/token?grant_type=password', { password }],
    ] as const)
      expect(
        refusalOf(await call(api, 'POST', path, { ...body, phone: newPhone() }, { headers: dated })),
      ).toEqual([400, 'phone_provider_disabled', 'Phone logins are disabled']);
  });

  it('GOTRUE_SIGNUP=closed: 422 signup_disabled, and a one-time code makes no account', async () => {
    const api = await start({ GOTRUE_SIGNUP: 'closed' });
    expect(
      refusalOf(await call(api, 'POST', '/signup', { email: newEmail(), password }, { headers: dated })),
    ).toEqual([422, 'signup_disabled', 'Signups not allowed for this instance']);
    const email = newEmail();
    expect((await call(api, 'POST', '/otp', { email })).statusCode).toBe(200);
    const found = await installation.db
      .selectFrom('accounts')
      .select('id')
      .where('email', '=', email)
      .execute();
    expect(found).toEqual([]);
    expect((await call(api, 'GET', '/settings')).json()).toMatchObject({ disable_signup: true });
  });

  it('GOTRUE_OTP_UNKNOWN_USER=error tells with create_user false, and silent does not', async () => {
    const body = { email: newEmail(), create_user: false };
    const telling = await start({ GOTRUE_OTP_UNKNOWN_USER: 'error' });
    expect(refusalOf(await call(telling, 'POST', '/otp', body, { headers: dated }))).toEqual([
      422,
      'otp_disabled',
      'Signups not allowed for otp',
    ]);
    const known = await register(telling);
    expect((await call(telling, 'POST', '/otp', { ...body, email: known.email })).statusCode).toBe(200);
    const silent = await start({});
    expect((await call(silent, 'POST', '/otp', body)).statusCode).toBe(200);
  });

  it('CONTRACTS names what is spoken: without gotrue its paths are not there, without v1 its own are not', async () => {
    const onlyV1 = await start({ CONTRACTS: 'v1' });
    expect((await call(onlyV1, 'GET', '/health')).statusCode).toBe(404);
    const onlyGotrue = await start({ CONTRACTS: 'gotrue' });
    expect((await call(onlyGotrue, 'GET', '/health')).json()).toMatchObject({
      version: expect.any(String) as string,
    });
    expect((await post(onlyGotrue, '/v1/register', { email: newEmail() })).statusCode).toBe(404);
    // The notice of a change of address belongs to no contract; its page is always there.
    const page = await onlyGotrue.app.inject({
      url: `/v1/verify-email?token=${'0'.repeat(64)}`,
      headers: { accept: 'text/html' },
    });
    expect(String(page.headers['content-type'])).toContain('text/html');
    expect(base).toBe('/auth/v1');
  });
});
