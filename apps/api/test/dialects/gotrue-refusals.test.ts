import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import {
  call,
  deliverNewest,
  gotrueSettings,
  messagesOf,
  newPhone,
  password,
  refusalOf,
  type Users,
  usersOf,
  withoutLimits,
} from '../support/gotrue.ts';
import { type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { retryAfterSeconds } from '../support/rate-limit-header.ts';
import { get, newEmail } from '../support/requests.ts';
import { countRows } from '../support/rows.ts';
import { withoutColumn } from './support/take-away.ts';

describe('refusals by their code', () => {
  let installation: Installation;
  let api: TestApi;
  let users: Users;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ ...gotrueSettings(), ...withoutLimits });
    users = usersOf(api, installation.db);
  });
  afterAll(() => installation.close());
  const send: Users['send'] = (...request) => users.send(...request);

  describe('400 captcha_failed', () => {
    let guarded: TestApi;
    beforeAll(async () => {
      guarded = await installation.startApi({
        ...gotrueSettings(),
        ...withoutLimits,
        CAPTCHA_PROVIDER: 'altcha',
        CAPTCHA_SECRET: 'secret-of-the-proof-of-work-of-the-tests',
        CAPTCHA_WHEN: 'always',
      });
    });
    const solve = async (action: string): Promise<string> => {
      const challenge = (await get(guarded, `/v1/captcha/challenge?action=${action}`)).json<Challenge>();
      const solution = await solveChallenge({ challenge, deriveKey });
      return Buffer.from(JSON.stringify({ challenge, solution })).toString('base64');
    };
    const ask = (path: string, captcha_token?: string) =>
      call(guarded, 'POST', path, {
        type: 'signup',
        email: newEmail(),
        password,
        ...(captcha_token !== undefined && { gotrue_meta_security: { captcha_token } }),
      });

    it.each(['/resend', '/recover', '/magiclink', '/otp', '/signup'])(
      'of %s without a captcha and with a wrong one, and nothing is written',
      async (path) => {
        const before = await countRows(installation.db);
        for (const answer of [await ask(path), await ask(path, 'x')])
          expect(refusalOf(answer)).toEqual([
            400,
            'captcha_failed',
            expect.stringMatching(/^captcha protection: request disallowed \(/) as string,
          ]);
        expect(await countRows(installation.db)).toEqual(before);
      },
    );

    it('and a right one lets the request pass, once', async () => {
      const solved = await solve('resend');
      expect((await ask('/resend', solved)).statusCode).toBe(200);
      expect(refusalOf(await ask('/resend', solved))[1]).toBe('captcha_failed');
    });
  });

  it('422 sms_send_failed for a number of a country that gets no SMS, whoever has it', async () => {
    const before = await messagesOf(installation.db, 'sms');
    for (const [path, body] of [
      ['/otp', {}],
      ['/resend', { type: 'sms' }],
      ['/signup', { password }],
    ] as const)
      expect([
        path,
        ...refusalOf(await send('POST', path, { ...body, phone: '+447400123456' })).slice(0, 2),
      ]).toEqual([path, 422, 'sms_send_failed']);
    expect(await messagesOf(installation.db, 'sms')).toEqual(before);
  });

  it('400 email_not_confirmed and phone_not_confirmed for the right password of an unproved address', async () => {
    const { email, user } = await users.signUp();
    const phone = newPhone();
    await send('POST', '/signup', { phone, password });
    const { code } = await deliverNewest(api, installation.db, 'sms');
    await send('POST', '/verify', { type: 'sms', phone, token: code });
    const unprove = (column: 'verified_at' | 'phone_verified_at', by: 'id' | 'phone', value: string) =>
      installation.db
        .updateTable('accounts')
        .set({ [column]: null })
        .where(by, '=', value)
        .execute();
    await unprove('verified_at', 'id', user.id);
    await unprove('phone_verified_at', 'phone', phone);
    const signIn = (body: object) => send('POST', '/token?grant_type=password', body);
    expect(refusalOf(await signIn({ email, password }))).toEqual([
      400,
      'email_not_confirmed',
      'Email not confirmed',
    ]);
    expect(refusalOf(await signIn({ phone, password }))).toEqual([
      400,
      'phone_not_confirmed',
      'Phone not confirmed',
    ]);
    // Who does not know the password is not told.
    expect(refusalOf(await signIn({ email, password: 'another one entirely' }))[1]).toBe(
      'invalid_credentials',
    );
  });

  it('400 session_expired for a refresh token past its time', async () => {
    const { refresh_token, user } = await users.signUp();
    await installation.db
      .updateTable('refresh_tokens')
      .set({ expires_at: new Date(0) })
      .where('session_id', 'in', (from) =>
        from.selectFrom('sessions').select('id').where('account_id', '=', user.id),
      )
      .execute();
    expect(refusalOf(await send('POST', '/token?grant_type=refresh_token', { refresh_token }))).toEqual([
      400,
      'session_expired',
      'Invalid Refresh Token: Session Expired',
    ]);
  });

  it('404 flow_state_not_found for a PKCE code that nobody was given', async () => {
    const exchange = { auth_code: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01', code_verifier: 'v'.repeat(43) };
    expect(refusalOf(await send('POST', '/token?grant_type=pkce', exchange)).slice(0, 2)).toEqual([
      404,
      'flow_state_not_found',
    ]);
  });

  it('403 user_not_found for the access token of an account that is gone', async () => {
    const { access_token, user } = await users.signUp();
    await installation.db.deleteFrom('accounts').where('id', '=', user.id).execute();
    expect(refusalOf(await send('GET', '/user', undefined, access_token))).toEqual([
      403,
      'user_not_found',
      'User from sub claim in JWT does not exist',
    ]);
  });

  it('400 bad_json for what is no JSON and for a wrong type', async () => {
    for (const payload of ['{"type":', '{"type":7}']) {
      const answer = await api.app.inject({
        method: 'POST',
        url: '/auth/v1/resend',
        headers: { 'content-type': 'application/json' },
        payload,
      });
      expect(refusalOf(answer).slice(0, 2)).toEqual([400, 'bad_json']);
    }
  });

  it('503 unexpected_failure with Retry-After when the message cannot be written', async () => {
    const answers = await withoutColumn(installation.db, 'messages.redirect_url', async () => [
      await send('POST', '/resend', { type: 'signup', email: newEmail() }),
      await send('POST', '/recover', { email: newEmail() }),
      await send('POST', '/otp', { email: newEmail() }),
    ]);
    for (const answer of answers) {
      expect(refusalOf(answer).slice(0, 2)).toEqual([503, 'unexpected_failure']);
      expect(retryAfterSeconds(answer)).toBeLessThan(60);
    }
  });
});
