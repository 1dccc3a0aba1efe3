import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  deliverNewest,
  gotrueSettings,
  password,
  refusalOf,
  type Users,
  usersOf,
  withoutLimits,
} from '../support/gotrue.ts';
import { type Installation, openInstallation, type TestApi } from '../support/installation.ts';
import { newEmail, register, setTenantStatus } from '../support/requests.ts';

describe('links and codes by call', () => {
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
});
