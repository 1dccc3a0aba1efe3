import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from '../support/hand-over.ts';
import { adminKey } from '../support/installation.ts';
import { post, register, resend } from '../support/requests.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import {
  accept,
  administer,
  expectRefusal,
  goodPassword,
  inviteOne,
  setPassword,
} from './support/entryguard.ts';
import { withoutColumn } from './support/take-away.ts';

let scene: DialectScene;
beforeAll(async () => {
  scene = await openDialect('entryguard', { ACCESS_TOKEN_TTL_SECONDS: '3600', RATE_LIMIT_ADDRESS: 'off' });
});
afterAll(() => scene.close());

const eventsOf = async (accountId: string): Promise<readonly string[]> =>
  (
    await scene.installation.db
      .selectFrom('account_events')
      .select('type')
      .where('account_id', '=', accountId)
      .orderBy('id')
      .execute()
  ).map(({ type }) => type);

const newRecovery = async (email: string): Promise<string> => {
  await post(scene.api, '/v1/resend', { purpose: 'recovery', email });
  return (await handOverNewest(scene.installation.db, scene.api.config)).token;
};

describe('POST /api/v1/auth/set-password', () => {
  it('200 as tabled: the address is verified and the user signed in', async () => {
    const invited = await inviteOne(scene, { name: 'Jane Smith', isOrgAdmin: true });
    const answer = await accept(scene, invited.token);
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(answer.json()).toEqual({
      accessToken: expect.any(String) as string,
      refreshToken: expect.any(String) as string,
      expiresIn: 3600,
      tokenType: 'Bearer',
      user: {
        id: invited.id,
        email: invited.email,
        name: 'Jane Smith',
        isOrgAdmin: true,
        organizationId: '00000000-0000-7000-8000-000000000001',
        organizationName: 'default',
        organizationSlug: 'default',
        subscriptionTier: 'ENTERPRISE',
        mfaEnabled: false,
      },
    });
    const { accessToken } = answer.json<{ accessToken: string }>();
    const me = (await administer(scene, accessToken).read(invited.id)).json<Record<string, unknown>>();
    expect(me).toMatchObject({ status: 'ACTIVE', lastLoginAt: expect.any(String) as string });
    // Another contract sees the same.
    expect((await resend(scene.api, invited.email)).statusCode).toBe(409);
    expect(await eventsOf(invited.id)).toEqual([
      'USER_INVITED',
      'VERIFICATION_EMAIL_SENT',
      'EMAIL_VERIFIED',
      'INVITATION_ACCEPTED',
      'PASSWORD_CHANGED',
    ]);
  });

  it('the password signs in afterwards, and is in no row', async () => {
    const invited = await inviteOne(scene);
    await accept(scene, invited.token, 'a passphrase of mine');
    const row = await scene.installation.db
      .selectFrom('accounts')
      .select('password_hash')
      .where('id', '=', invited.id)
      .executeTakeFirstOrThrow();
    expect(row.password_hash).toMatch(/^\$argon2id\$/);
    expect(scene.api.logged()).not.toContain('a passphrase of mine');
    expect(scene.api.logged()).not.toContain(invited.token);
  });

  it('takes the token with invite_ before it, and with white space around it', async () => {
    const invited = await inviteOne(scene);
    expect((await accept(scene, ` invite_${invited.token}\n`)).statusCode).toBe(200);
  });

  it('of 10 at once with different passwords one is set', async () => {
    const invited = await inviteOne(scene);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => accept(scene, invited.token, `${goodPassword} ${index}`)),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ statusCode }) => statusCode !== 200))
      expectRefusal(answer, 400, 'INVITE_TOKEN_USED');
    expect((await eventsOf(invited.id)).filter((type) => type === 'EMAIL_VERIFIED')).toHaveLength(1);
  });

  it.each(['x', 'a'.repeat(64), 'invite_', `invite_${'0'.repeat(64)}`, '💥\u0000'])(
    '400 INVITE_TOKEN_INVALID for %j',
    async (token) => {
      expectRefusal(await accept(scene, token), 400, 'INVITE_TOKEN_INVALID');
    },
  );

  it('400 INVITE_TOKEN_INVALID for the token of a sign-up: it opens no session', async () => {
    await register(scene.api);
    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    expectRefusal(await accept(scene, token), 400, 'INVITE_TOKEN_INVALID');
  });

  it('400 USER_DEACTIVATED for a user who may not sign in', async () => {
    const invited = await inviteOne(scene);
    await administer(scene).change(invited.id, { isActive: false });
    expectRefusal(await accept(scene, invited.token), 400, 'USER_DEACTIVATED');
  });

  it.each([
    ['too short', 'seven77'],
    ['too long', 'x'.repeat(129)],
    ['half a character', `${'x'.repeat(10)}\ud800`],
  ])('400 for a password that is %s; the token stays good', async (_what, password) => {
    const invited = await inviteOne(scene);
    const errors = expectRefusal(await accept(scene, invited.token, password), 400, 'PASSWORD_TOO_WEAK');
    expect(Object.keys(errors)).toEqual(['password']);
    expect((await accept(scene, invited.token)).statusCode).toBe(200);
  });

  it('400 by the policy of the installation beside the length', async () => {
    const api = await scene.startApi({ PASSWORD_CLASSES: 'upper,digit' });
    const invited = await inviteOne(scene);
    const answer = await scene.call(
      { method: 'POST', path: setPassword, body: { inviteToken: invited.token, password: goodPassword } },
      api,
    );
    expect(expectRefusal(answer, 400, 'PASSWORD_TOO_WEAK')['password']).toContain('upper-case');
  });

  it.each([
    ['inviteToken', { password: goodPassword }],
    ['password', { inviteToken: 'x' }],
    ['inviteToken', { inviteToken: 7, password: goodPassword }],
    ['password', { inviteToken: 'x', password: ['x'] }],
  ])('400 naming %s for %j', async (field, body) => {
    const answer = await scene.call({ method: 'POST', path: setPassword, body });
    expect(Object.keys(expectRefusal(answer, 400, 'VALIDATION_FAILED'))).toEqual([field]);
  });

  it('500 when the password cannot be stored: neither is the token used', async () => {
    const invited = await inviteOne(scene);
    const answer = await withoutColumn(scene.installation.db, 'accounts.password_hash', () =>
      accept(scene, invited.token),
    );
    expectRefusal(answer, 500, 'SERVICE_UNAVAILABLE');
    expect((await accept(scene, invited.token)).statusCode).toBe(200);
  });
});

describe('a forgotten password', () => {
  it('is set by the same route; the sessions of before end', async () => {
    const invited = await inviteOne(scene, { isOrgAdmin: true });
    const before = (await accept(scene, invited.token)).json<{ accessToken: string }>().accessToken;
    const answer = await accept(scene, await newRecovery(invited.email), 'another passphrase');
    expect(answer.json()).toMatchObject({ user: { id: invited.id } });
    expectRefusal(await administer(scene, before).list(), 401, 'CREDENTIALS_INVALID');
    const { accessToken } = answer.json<{ accessToken: string }>();
    expect((await administer(scene, accessToken).list()).statusCode).toBe(200);
  });

  it('whose link is dead says so in other codes than an invitation', async () => {
    const { email, tenantId } = await register(scene.api);
    const token = await newRecovery(email);
    await scene.installation.db
      .updateTable('verifications')
      .set({ expires_at: new Date(Date.now() - 1000) })
      .where('account_id', '=', tenantId)
      .execute();
    expectRefusal(await accept(scene, token), 400, 'RECOVERY_TOKEN_EXPIRED');
    const older = await newRecovery(email);
    await post(scene.api, '/v1/resend', { purpose: 'recovery', email });
    expectRefusal(await accept(scene, older), 400, 'RECOVERY_TOKEN_SUPERSEDED');
    const other = await register(scene.api);
    const used = await newRecovery(other.email);
    await accept(scene, used);
    expectRefusal(await accept(scene, used), 400, 'RECOVERY_TOKEN_USED');
  });
});

describe('the steps of the EntryGuard document', () => {
  it('its curl lines and its JavaScript run with only the host changed', async () => {
    const host = await scene.api.app.listen({ host: '127.0.0.1', port: 0 });
    const adminAccessToken = adminKey;
    const base = `${host}/api/v1`;

    // The example, as it stands but for the host and the console.
    async function createUser(email: string, name: string): Promise<{ id: string; email: string } | null> {
      const response = await fetch(`${base}/users`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${adminAccessToken}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ email, name, isOrgAdmin: false }),
      });
      return response.ok ? ((await response.json()) as { id: string; email: string }) : null;
    }
    async function resendInvitation(userId: string, email: string, name: string) {
      const deleteResponse = await fetch(`${base}/users/${userId}`, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${adminAccessToken}` },
      });
      return deleteResponse.ok ? createUser(email, name) : null;
    }

    const created = await createUser('jane@example.com', 'Jane Smith');
    expect(created).toMatchObject({ email: 'jane@example.com', name: 'Jane Smith' });
    const shown = await fetch(`${base}/users/${created?.id}`, {
      headers: { Authorization: `Bearer ${adminAccessToken}` },
    });
    expect(await shown.json()).toMatchObject({ email: 'jane@example.com' });
    const again = await resendInvitation(created?.id ?? '', 'jane@example.com', 'Jane Smith');
    expect(again).toMatchObject({ email: 'jane@example.com' });
    expect(again?.id).not.toBe(created?.id);

    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    const accepted = await fetch(`${base}/auth/set-password`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ inviteToken: `invite_${token}`, password: goodPassword }),
    });
    expect(await accepted.json()).toMatchObject({ tokenType: 'Bearer', user: { id: again?.id } });
  });
});
