import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  dated,
  datedRefusalOf,
  deliverNewest,
  gotrueSettings,
  newPhone,
  password,
  withoutLimits,
} from '../support/gotrue.ts';
import { appOrigin, type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { newEmail, post, register, setTenantStatus } from '../support/requests.ts';
import { newestMessage } from '../support/rows.ts';

const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

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
    expect(datedRefusalOf(await resend(body))).toEqual([400, 'validation_failed', message]),
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
    expect(datedRefusalOf(await resend({ type: 'signup', email: newEmail(), ...pkce }))).toEqual([
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
