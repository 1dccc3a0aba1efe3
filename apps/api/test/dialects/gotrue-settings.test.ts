import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  base,
  call,
  dated,
  datedRefusalOf,
  gotrueSettings,
  newPhone,
  password,
  withoutLimits,
} from '../support/gotrue.ts';
import { type Installation, openInstallation } from '../support/installation.ts';
import { newEmail, post, register } from '../support/requests.ts';

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
    for (const path of ['/resend', '/recover', '/magiclink', '/otp']) {
      const answer = await call(api, 'POST', path, { type: 'signup', email: newEmail() });
      expect([path, answer.statusCode, answer.json()]).toEqual([path, 200, {}]);
    }
    expect((await call(api, 'POST', '/otp', { phone: newPhone() })).json()).toHaveProperty('message_id');
  });

  it('GOTRUE_MESSAGE_ID=always mints an id for everybody, known or not, and never the same twice', async () => {
    const api = await start({});
    const { email } = await register(api);
    const ids = [];
    for (const address of [email, email, newEmail()])
      for (const path of ['/resend', '/recover', '/magiclink', '/otp'])
        ids.push(
          (await call(api, 'POST', path, { type: 'signup', email: address })).json<{ message_id: string }>()
            .message_id,
        );
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(12);
  });

  it('EMAIL_PROVIDER=none refuses mails before any limit, and before the address is looked at', async () => {
    const api = await start({ EMAIL_PROVIDER: 'none', GOTRUE_RATE_LIMIT_IP: '1/600' });
    for (const email of ['no address', newEmail(), newEmail()])
      expect(
        datedRefusalOf(
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
        datedRefusalOf(await call(api, 'POST', path, { ...body, phone: newPhone() }, { headers: dated })),
      ).toEqual([400, 'phone_provider_disabled', 'Phone logins are disabled']);
  });

  it('GOTRUE_SIGNUP=closed: 422 signup_disabled, and a one-time code makes no account', async () => {
    const api = await start({ GOTRUE_SIGNUP: 'closed' });
    expect(
      datedRefusalOf(await call(api, 'POST', '/signup', { email: newEmail(), password }, { headers: dated })),
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
    expect(datedRefusalOf(await call(telling, 'POST', '/otp', body, { headers: dated }))).toEqual([
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
