import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  deliverNewest,
  gotrueSettings,
  messagesOf,
  newPhone,
  password,
  refusalOf,
  type SessionBody,
  type Users,
  usersOf,
  withoutLimits,
} from '../support/gotrue.ts';
import { handOver } from '../support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { newEmail, register } from '../support/requests.ts';

describe('users and sessions', () => {
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

  describe('POST /token', () => {
    it.each([
      ['', {}, 'unsupported_grant_type'],
      ['?grant_type=id_token', {}, 'unsupported_grant_type'],
      ['?grant_type=refresh_token', {}, 'refresh_token required'],
      [
        '?grant_type=pkce',
        { auth_code: 'x' },
        'invalid request: both auth code and code verifier should be non-empty',
      ],
      ['?grant_type=password', { password }, 'missing email or phone'],
    ])('%s %j is refused with "%s"', async (query, body, message) =>
      expect(refusalOf(await send('POST', `/token${query}`, body))).toEqual([
        400,
        'validation_failed',
        message,
      ]),
    );

    it('unknown address, wrong password and no password are the same', async () => {
      const { email } = await signUp();
      const tenant = await register(api);
      for (const body of [
        { email: newEmail(), password },
        { email, password: 'another one entirely' },
        { email: tenant.email, password },
        { email },
      ])
        expect(refusalOf(await send('POST', '/token?grant_type=password', body))).toEqual([
          400,
          'invalid_credentials',
          'Invalid login credentials',
        ]);
    });

    it('a refresh token works once; shown again it ends the session', async () => {
      const first = await signUp();
      const refresh = (refresh_token: string) =>
        send('POST', '/token?grant_type=refresh_token', { refresh_token });
      const second = (await refresh(first.refresh_token)).json<SessionBody>();
      const third = (await refresh(second.refresh_token)).json<SessionBody>();
      expect(refusalOf(await refresh(first.refresh_token))).toEqual([
        400,
        'refresh_token_already_used',
        'Invalid Refresh Token: Already Used',
      ]);
      expect(refusalOf(await send('GET', '/user', undefined, third.access_token))[1]).toBe(
        'session_not_found',
      );
      expect(refusalOf(await refresh('nonsense'))).toEqual([
        400,
        'refresh_token_not_found',
        'Invalid Refresh Token: Refresh Token Not Found',
      ]);
    });
  });

  describe('GET and PUT /user, POST /logout', () => {
    it('want an access token', async () => {
      for (const [method, path] of [
        ['GET', '/user'],
        ['PUT', '/user'],
        ['POST', '/logout'],
      ] as const) {
        const body = method === 'GET' ? undefined : {};
        expect(refusalOf(await send(method, path, body))).toEqual([
          401,
          'no_authorization',
          'This endpoint requires a valid Bearer token',
        ]);
        expect(refusalOf(await send(method, path, body, 'ab.cd.ef'))[1]).toBe('bad_jwt');
      }
    });

    it('signs out here, elsewhere or everywhere', async () => {
      const { email, ...first } = await signUp();
      const another = async () =>
        (await send('POST', '/token?grant_type=password', { email, password })).json<SessionBody>();
      const [second, third] = [await another(), await another()];
      const isIn = async ({ access_token }: SessionBody) =>
        (await send('GET', '/user', undefined, access_token)).statusCode === 200;
      expect((await send('POST', '/logout?scope=local', undefined, first.access_token)).statusCode).toBe(204);
      expect([await isIn(first), await isIn(second)]).toEqual([false, true]);
      await send('POST', '/logout?scope=others', undefined, second.access_token);
      expect([await isIn(second), await isIn(third)]).toEqual([true, false]);
      expect(refusalOf(await send('POST', '/logout?scope=x', undefined, second.access_token))[0]).toBe(400);
      await send('POST', '/logout', undefined, second.access_token);
      expect(await isIn(second)).toBe(false);
    });

    it('adds to what is kept with the user and takes out what is null', async () => {
      const { access_token } = await signUp();
      await send('PUT', '/user', { data: { a: 1, b: { c: 2 } } }, access_token);
      const { user_metadata } = (
        await send('PUT', '/user', { data: { a: null, d: [3] } }, access_token)
      ).json<{
        user_metadata: object;
      }>();
      expect(user_metadata).toEqual({ b: { c: 2 }, d: [3] });
    });

    it('a number is the user’s once its code has come back', async () => {
      const { access_token } = await signUp();
      const phone = newPhone();
      expect((await send('PUT', '/user', { phone }, access_token)).json()).toMatchObject({
        phone: '',
        new_phone: phone.slice(1),
      });
      const { code } = await deliverNewest(api, installation.db, 'phone_change');
      const session = await send('POST', '/verify', { type: 'phone_change', phone, token: code });
      expect(session.json()).toMatchObject({ user: { phone: phone.slice(1) } });
    });

    it('refuses a weak password and a bad address before anything is changed', async () => {
      const { access_token } = await signUp();
      const refused = await send(
        'PUT',
        '/user',
        { email: newEmail(), password: 'x', data: { a: 1 } },
        access_token,
      );
      expect(refusalOf(refused)[1]).toBe('weak_password');
      expect(refusalOf(await send('PUT', '/user', { email: 'x', data: { a: 1 } }, access_token))[0]).toBe(
        400,
      );
      const user = (await send('GET', '/user', undefined, access_token)).json<{ user_metadata: object }>();
      expect([user.user_metadata, Object.keys(user).includes('new_email')]).toEqual([{}, false]);
    });

    it('an address that somebody else has is told when it confirms', async () => {
      const [mine, theirs] = [await signUp(), await signUp()];
      await send('PUT', '/user', { email: theirs.email }, mine.access_token);
      const [current, next] = await messagesOf(installation.db, 'email_change');
      const [toCurrent, toNew] = [
        await handOver(installation.db, api.config, current?.id ?? ''),
        await handOver(installation.db, api.config, next?.id ?? ''),
      ];
      expect(
        (await send('POST', '/verify', { type: 'email_change', token_hash: toCurrent.token })).json(),
      ).toEqual({
        msg: 'Confirmation link accepted. Please proceed to confirm link sent to the other email',
        code: '200',
      });
      expect(
        refusalOf(await send('POST', '/verify', { type: 'email_change', token_hash: toNew.token })),
      ).toEqual([422, 'email_exists', 'A user with this email address has already been registered']);
    });
  });
});
