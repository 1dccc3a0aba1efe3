import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  base,
  bearer,
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
import { adminKey, type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { newEmail } from '../support/requests.ts';

describe('asking for an account', () => {
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
  const signUp: Users['signUp'] = () => users.signUp();

  const accountsOf = (email: string) =>
    installation.db.selectFrom('accounts').selectAll().where('email', '=', email).execute();

  describe('POST /signup', () => {
    it('refuses an address of a service for minutes with email_address_disposable, where these are refused', async () => {
      const strict = await installation.startApi({
        ...gotrueSettings(),
        ...withoutLimits,
        DISPOSABLE_DOMAINS: 'refuse',
      });
      const refusal = [400, 'email_address_disposable', 'Disposable email addresses are not accepted'];
      const email = 'somebody@mailinator.com';
      expect(refusalOf(await call(strict, 'POST', '/signup', { email, password }))).toEqual(refusal);
      expect(refusalOf(await call(strict, 'POST', '/otp', { email }))).toEqual(refusal);
      expect((await call(strict, 'POST', '/otp', { email, create_user: false })).statusCode).toBe(200);
    });

    it('answers the same shape for a new, a waiting and a confirmed address, and changes no account', async () => {
      const confirmed = await signUp();
      const waiting = newEmail();
      await send('POST', '/signup', { email: waiting, password });
      const [before] = await accountsOf(waiting);
      const answers = [];
      for (const email of [newEmail(), waiting, confirmed.email])
        answers.push(await send('POST', '/signup', { email, password: `${password} 2`, data: { x: 1 } }));
      const shapes = answers.map((answer) => ({
        status: answer.statusCode,
        headers: Object.keys(answer.headers).toSorted(),
        members: Object.keys(answer.json()),
        identities: answer.json<{ identities: unknown[] }>().identities,
      }));
      expect(shapes[1]).toEqual(shapes[0]);
      expect(shapes[2]).toEqual(shapes[0]);
      expect(answers.map((answer) => answer.json<{ id: string }>().id)).not.toContain(confirmed.user.id);
      expect((await accountsOf(waiting))[0]).toEqual(before);
    });

    it('hashes a password for every address alike and writes one message', async () => {
      const confirmed = await signUp();
      const before = (await messagesOf(installation.db, 'signup')).length;
      await send('POST', '/signup', { email: confirmed.email, password });
      expect((await messagesOf(installation.db, 'signup')).length).toBe(before + 1);
      const waiting = await installation.db
        .selectFrom('signup_passwords')
        .select('message_id')
        .where('account_id', '=', confirmed.user.id)
        .execute();
      expect(waiting).toEqual([]);
    });

    it('a stranger’s password for an address never becomes its owner’s', async () => {
      const email = newEmail();
      await send('POST', '/signup', { email, password: 'the password of a stranger' });
      await send('POST', '/signup', { email, password });
      const own = await deliverNewest(api, installation.db, 'signup');
      await send('POST', '/verify', { type: 'signup', token_hash: own.token });
      const signIn = (given: string) =>
        send('POST', '/token?grant_type=password', { email, password: given });
      expect((await signIn(password)).statusCode).toBe(200);
      expect(refusalOf(await signIn('the password of a stranger'))[1]).toBe('invalid_credentials');
    });

    it('of several passwords none counts when a later mail without one is confirmed', async () => {
      const email = newEmail();
      await send('POST', '/signup', { email, password: 'the password of a stranger' });
      await send('POST', '/signup', { email, password });
      await send('POST', '/resend', { type: 'signup', email });
      const { token } = await deliverNewest(api, installation.db, 'signup');
      expect((await send('POST', '/verify', { type: 'signup', token_hash: token })).statusCode).toBe(200);
      expect((await accountsOf(email))[0]?.password_hash).toBeNull();
    });

    it('a stranger’s password does not come with a sign-in by link, nor with the word of v1', async () => {
      const email = newEmail();
      await send('POST', '/signup', { email, password: 'the password of a stranger' });
      await send('POST', '/magiclink', { email });
      const { token } = await deliverNewest(api, installation.db, 'magiclink');
      await send('POST', '/verify', { type: 'magiclink', token_hash: token });
      expect((await accountsOf(email))[0]).toMatchObject({ password_hash: null, status: 'active' });
    });

    it.each([
      [{ email: 'a@example.org' }, 400, 'validation_failed', 'Signup requires a valid password'],
      [
        { email: 'a@example.org', password: 'short' },
        422,
        'weak_password',
        'Password should be at least 8 characters.',
      ],
      [{ password }, 400, 'validation_failed', 'To signup, please provide your email'],
      [
        { email: 'a@example.org', phone: '+4520000000', password },
        400,
        'validation_failed',
        'Only an email address or phone number should be provided on signup.',
      ],
      [
        { email: 'nothing', password },
        400,
        'validation_failed',
        'Unable to validate email address: invalid format',
      ],
    ])('%j is refused', async (body, status, code, message) =>
      expect(refusalOf(await send('POST', '/signup', body))).toEqual([status, code, message]),
    );

    it('names the reasons of a weak password', async () => {
      const answer = await send('POST', '/signup', { email: newEmail(), password: '1' });
      expect(answer.json()).toMatchObject({ weak_password: { reasons: ['length'] } });
    });

    it('by number: confirmed by its code, signed in by its password', async () => {
      const phone = newPhone();
      const user = (await send('POST', '/signup', { phone, password })).json<{
        phone: string;
        email: string;
      }>();
      expect([user.phone, user.email]).toEqual([phone.slice(1), '']);
      const { code } = await deliverNewest(api, installation.db, 'sms');
      await send('POST', '/verify', { type: 'sms', phone, token: code });
      const session = await send('POST', '/token?grant_type=password', { phone, password });
      expect(session.json()).toMatchObject({ user: { phone: phone.slice(1) } });
      expect(session.json<{ user: object }>().user).toHaveProperty('phone_confirmed_at');
    });
  });

  describe('POST /invite', () => {
    const invite = (body: object, token?: string) => send('POST', '/invite', body, token);

    it('is for the operator and for keys with accounts:write', async () => {
      const keyWith = async (...scopes: string[]) =>
        (
          await api.app.inject({
            method: 'POST',
            url: '/v1/admin/api-keys',
            headers: bearer(adminKey),
            payload: { name: 'application', scopes },
          })
        ).json<{ apiKey: string }>().apiKey;
      expect(refusalOf(await invite({ email: newEmail() }))[1]).toBe('no_authorization');
      const wrong = await keyWith('messages:read');
      for (const token of [wrong, (await signUp()).access_token, 'nonsense'])
        expect(refusalOf(await invite({ email: newEmail() }, token))).toEqual([
          403,
          'not_admin',
          'User not allowed',
        ]);
      for (const token of [adminKey, await keyWith('accounts:write')])
        expect((await invite({ email: newEmail() }, token)).statusCode).toBe(200);
    });

    it('answers the user; repeated for somebody who has not confirmed it sends another one, without any limit', async () => {
      const strict = await installation.startApi(gotrueSettings());
      const email = newEmail();
      const ids = [];
      for (let i = 0; i < 15; i += 1) {
        const answer = await call(
          strict,
          'POST',
          '/invite',
          { email, data: { team: 'a' } },
          { headers: bearer(adminKey), from: '10.7.7.7' },
        );
        expect(answer.statusCode).toBe(200);
        ids.push(answer.json<{ id: string }>().id);
      }
      expect(new Set(ids).size).toBe(1);
      const { token, code } = await deliverNewest(api, installation.db, 'invitation');
      const pressed = await api.app.inject({
        method: 'POST',
        url: `${base}/verify/press`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({ token, code }).toString(),
      });
      expect(String(pressed.headers.location)).toContain('type=invite');
      expect(refusalOf(await invite({ email }, adminKey))).toEqual([
        422,
        'email_exists',
        'A user with this email address has already been registered',
      ]);
    });
  });
});
