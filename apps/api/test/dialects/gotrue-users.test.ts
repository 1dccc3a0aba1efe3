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
  withoutLimits,
} from '../support/gotrue.ts';
import { handOver } from '../support/hand-over.ts';
import { adminKey, type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { type Answer, newEmail, register, setTenantStatus } from '../support/requests.ts';

const refusalOf = (answer: Answer) => {
  const { code, error_code, msg } = answer.json<{ code: number; error_code: string; msg: string }>();
  expect([code, answer.headers['x-sb-error-code']]).toEqual([answer.statusCode, error_code]);
  return [answer.statusCode, error_code, msg];
};

interface SessionBody {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly expires_at: number;
  readonly user: { readonly id: string };
}

describe('users and sessions of the contract', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ ...gotrueSettings(), ...withoutLimits });
  });
  afterAll(() => installation.close());

  const send = (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, token?: string) =>
    call(api, method, path, body, token === undefined ? {} : { headers: bearer(token) });
  const signUp = async () => {
    const email = newEmail();
    await send('POST', '/signup', { email, password });
    const { code } = await deliverNewest(api, installation.db, 'signup');
    const session = (
      await send('POST', '/verify', { type: 'signup', email, token: code })
    ).json<SessionBody>();
    return { email, ...session };
  };
  const accountsOf = (email: string) =>
    installation.db.selectFrom('accounts').selectAll().where('email', '=', email).execute();

  describe('POST /signup', () => {
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

  describe('POST /verify', () => {
    it('answers a session with its user', async () => {
      const { access_token, refresh_token, expires_in, expires_at, user } = await signUp();
      expect([typeof access_token, typeof refresh_token, expires_in]).toEqual(['string', 'string', 900]);
      expect(expires_at - Date.now() / 1000).toBeGreaterThan(800);
      expect(user).toMatchObject({
        aud: 'authenticated',
        app_metadata: { provider: 'email', providers: ['email'] },
        identities: [],
        is_anonymous: false,
      });
    });

    it('403 otp_expired for whatever is dead, used or unknown, alike', async () => {
      const email = newEmail();
      await send('POST', '/signup', { email, password });
      const older = await deliverNewest(api, installation.db, 'signup');
      await send('POST', '/resend', { type: 'signup', email });
      const newer = await deliverNewest(api, installation.db, 'signup');
      const used = await signUp();
      const dead = [
        { type: 'signup', token_hash: older.token },
        { type: 'signup', email, token: older.code },
        { type: 'recovery', token_hash: newer.token },
        { type: 'signup', email: newEmail(), token: newer.code },
        { type: 'signup', email: used.email, token: '000000' },
        { type: 'signup', email, token: 'abcdef' },
        { type: 'signup', token_hash: 'f'.repeat(64) },
        { type: 'signup', token_hash: 'x' },
      ];
      for (const body of dead)
        expect([body, refusalOf(await send('POST', '/verify', body))]).toEqual([
          body,
          [403, 'otp_expired', 'Token has expired or is invalid'],
        ]);
      expect((await send('POST', '/verify', { type: 'signup', token_hash: newer.token })).statusCode).toBe(
        200,
      );
    });

    it.each([
      [{}, 'Verify requires a verification type'],
      [{ type: 'signup' }, 'Verify requires either a token or a token hash'],
      [{ type: 'toString', token: '1' }, 'Unsupported verification type'],
      [
        { type: 'signup', token: '123456' },
        'Only an email address or phone number should be provided on verify',
      ],
      [
        { type: 'sms', token: '123456', email: 'a@example.org' },
        'Only an email address or phone number should be provided on verify',
      ],
      [
        { type: 'signup', token_hash: 'x', email: 'a@example.org' },
        'Only the token_hash and type should be provided',
      ],
    ])('%j is refused with "%s"', async (body, message) =>
      expect(refusalOf(await send('POST', '/verify', body))).toEqual([400, 'validation_failed', message]),
    );

    it('takes a code as it was pasted', async () => {
      const email = newEmail();
      await send('POST', '/signup', { email, password });
      const { code } = await deliverNewest(api, installation.db, 'signup');
      const pasted = ` ${code.slice(0, 3)}-${code.slice(3)} `;
      expect((await send('POST', '/verify', { type: 'signup', email, token: pasted })).statusCode).toBe(200);
    });

    it('compares five wrong codes of an address, known or not; a new mail renews none of them', async () => {
      const { email } = await signUp();
      for (const address of [email, newEmail()]) {
        await send('POST', '/otp', { email: address });
        const { code } = await deliverNewest(api, installation.db, 'magiclink');
        const token = code === '000000' ? '000001' : '000000';
        const guesses = await Promise.all(
          Array.from({ length: 20 }, () =>
            send('POST', '/verify', { type: 'magiclink', email: address, token }),
          ),
        );
        const statuses = guesses.map(({ statusCode }) => statusCode);
        expect(statuses.filter((status) => status === 403)).toHaveLength(5);
        expect(statuses.filter((status) => status === 429)).toHaveLength(15);
        await send('POST', '/otp', { email: address });
        const next = await deliverNewest(api, installation.db, 'magiclink');
        const locked = await send('POST', '/verify', { type: 'magiclink', email: address, token: next.code });
        expect(refusalOf(locked)).toEqual([
          429,
          'over_request_rate_limit',
          `For security purposes, you can only request this after ${String(locked.headers['retry-after'])} seconds.`,
        ]);
      }
    });

    it('opens one session of a token, however many ask at once', async () => {
      const email = newEmail();
      await send('POST', '/otp', { email });
      const { token } = await deliverNewest(api, installation.db, 'magiclink');
      const all = await Promise.all(
        Array.from({ length: 20 }, () => send('POST', '/verify', { type: 'magiclink', token_hash: token })),
      );
      expect(all.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
      expect(all.filter(({ statusCode }) => statusCode === 403)).toHaveLength(19);
    });

    it('a right code of a suspended account says so', async () => {
      const tenant = await register(api);
      await send('POST', '/recover', { email: tenant.email });
      const { code } = await deliverNewest(api, installation.db, 'recovery');
      await setTenantStatus(api, tenant.tenantId, 'SUSPENDED');
      expect(
        refusalOf(await send('POST', '/verify', { type: 'recovery', email: tenant.email, token: code })),
      ).toEqual([403, 'user_banned', 'User is banned']);
    });
  });

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

  describe('bad input', () => {
    const raw = (path: string, payload: string, type = 'application/json') =>
      api.app.inject({ method: 'POST', url: `${base}${path}`, headers: { 'content-type': type }, payload });
    const paths = [
      '/resend',
      '/otp',
      '/recover',
      '/magiclink',
      '/signup',
      '/verify',
      '/token?grant_type=password',
    ];

    it.each([
      ['malformed JSON', '{"type":"signup"', 400],
      ['an array', '[1]', 400],
      ['a text', '"signup"', 400],
      ['null', 'null', 400],
      ['numbers for texts', '{"type":1,"email":2,"token":3,"password":4}', 400],
      ['arrays for texts', '{"type":["signup"],"email":["a@example.org"],"password":["x"]}', 400],
      ['a mebibyte', JSON.stringify({ email: 'a'.repeat(1024 * 1024) }), 413],
      ['a poisoned prototype', '{"__proto__":{"email":"a@example.org"}}', 400],
    ])('%s is a 4xx that repeats nothing', async (_, payload, status) => {
      for (const path of paths) {
        const answer = await raw(path, payload);
        expect([path, answer.statusCode]).toEqual([path, status]);
        refusalOf(answer);
        expect(answer.body.length).toBeLessThan(300);
        expect(answer.body).not.toMatch(/example\.org|node:internal|\.ts:\d/);
      }
    });

    it.each([
      'a@example.org\r\nBcc: b@example.org',
      'a@exam ple.org',
      ' ',
      'a@example.org,b@example.org',
      'a\u0000@example.org',
      '💌@',
      `${'a'.repeat(400)}@example.org`,
    ])('%j is no address', async (email) => {
      for (const path of ['/recover', '/otp', '/magiclink'])
        expect(refusalOf(await send('POST', path, { email }))[0]).toBe(400);
    });

    it('unicode addresses are taken, and a NUL in data is refused', async () => {
      expect((await send('POST', '/recover', { email: 'jürgen@müller.example' })).statusCode).toBe(200);
      expect(
        refusalOf(await send('POST', '/signup', { email: newEmail(), password, data: { a: 'x\u0000' } }))[0],
      ).toBe(400);
    });

    it('another content type is 415, an unknown path 404, both in the form of the contract', async () => {
      expect(refusalOf(await raw('/resend', 'x', 'text/plain'))[0]).toBe(415);
      expect(refusalOf(await send('GET', '/nothing-here'))).toEqual([
        404,
        'not_found',
        'There is nothing at this path',
      ]);
    });
  });
});
