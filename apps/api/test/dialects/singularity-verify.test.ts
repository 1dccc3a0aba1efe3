import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { purposes } from '@reconfirm/core/purposes/registry';
import { beginAttempt, claim, handOverNewest, record } from '../support/hand-over.ts';
import { postAsAdmin, setTenantStatus } from '../support/requests.ts';
import { newestMessage } from '../support/rows.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import {
  expectRefusal,
  newPending,
  send,
  type SignedIn,
  status,
  verification,
} from './support/singularity.ts';

let scene: DialectScene;
beforeAll(async () => {
  scene = await openDialect('singularity', { SINGULARITY_RATE_LIMIT_ADDRESS: 'off' });
});
afterAll(() => scene.close());

const verify = (token: string | undefined, api = scene.api) =>
  scene.call(
    {
      method: 'POST',
      path: verification,
      url:
        token === undefined ? verification : `${verification}?token=${encodeURIComponent(token)}&locale=es`,
    },
    api,
  );

/** A user to whom a token was sent. */
const newSent = async (): Promise<SignedIn & { readonly mailed: string }> => {
  const user = await newPending(scene);
  await scene.call({ method: 'POST', path: send, token: user.token });
  const { token } = await handOverNewest(scene.installation.db, scene.api.config);
  return { ...user, mailed: token };
};

describe('POST /api/auth/email/verification?token=', () => {
  it('200 PrincipalResponse: the address is verified', async () => {
    const user = await newSent();
    const answer = await verify(user.mailed);
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(answer.json()).toEqual({
      id: user.id,
      name: '',
      email: user.email,
      identityProviders: [],
      roles: ['USER'],
      emailVerified: true,
      lastActive: expect.any(String) as string,
      twoFactorAuthEnabled: false,
      preferredTwoFactorMethod: null,
      twoFactorMethods: [],
      avatar: null,
      createdAt: expect.any(String) as string,
      groups: [],
    });
  });

  it('20 at once change the state once, and none is an error', async () => {
    const user = await newSent();
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(user.mailed)));
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ statusCode }) => statusCode !== 200))
      expectRefusal(answer, 304, 'EMAIL_ALREADY_VERIFIED');
    const events = await scene.installation.db
      .selectFrom('account_events')
      .select('type')
      .where('account_id', '=', user.id)
      .where('type', '=', 'EMAIL_VERIFIED')
      .execute();
    expect(events).toHaveLength(1);
  });

  it('304 EMAIL_ALREADY_VERIFIED for a good token of an address that was proved in another way', async () => {
    const again = await scene.startApi({ SINGULARITY_REPEATED_VERIFY: 'success' });
    for (const api of [scene.api, again]) {
      const user = await newSent();
      await postAsAdmin(scene.api, `/v1/admin/tenants/${user.id}/verify`);
      const answer = await verify(user.mailed, api);
      if (api === again) expect(answer.json()).toMatchObject({ id: user.id, emailVerified: true });
      else expectRefusal(answer, 304, 'EMAIL_ALREADY_VERIFIED');
    }
  });

  it('a second time answers the account again by SINGULARITY_REPEATED_VERIFY=success', async () => {
    const api = await scene.startApi({ SINGULARITY_REPEATED_VERIFY: 'success' });
    const user = await newSent();
    const [first, second] = [await verify(user.mailed, api), await verify(user.mailed, api)];
    expect([first.statusCode, second.statusCode, second.json<{ id: string }>().id]).toEqual([
      200,
      200,
      user.id,
    ]);
  });

  it('401 EMAIL_VERIFICATION_TOKEN_MISSING without a token', async () => {
    expectRefusal(await verify(undefined), 401, 'EMAIL_VERIFICATION_TOKEN_MISSING');
    expectRefusal(await verify(''), 401, 'EMAIL_VERIFICATION_TOKEN_MISSING');
  });

  it.each(['x', 'a'.repeat(64), 'a'.repeat(4000), '\u0000\r\nSet-Cookie: x', '💥'])(
    '401 EMAIL_VERIFICATION_TOKEN_INVALID for %j, which is not repeated',
    async (token) => {
      const answer = await verify(token);
      expectRefusal(answer, 401, 'EMAIL_VERIFICATION_TOKEN_INVALID');
      if (token.length > 10) expect(answer.body).not.toContain(token);
    },
  );

  it('401 EMAIL_VERIFICATION_TOKEN_INVALID for one that lets people in, or belongs to a suspended account', async () => {
    const user = await newSent();
    await setTenantStatus(scene.api, user.id, 'SUSPENDED');
    expectRefusal(await verify(user.mailed), 401, 'EMAIL_VERIFICATION_TOKEN_INVALID');
    const other = await newPending(scene);
    await scene.call({
      method: 'POST',
      path: '/api/auth/password/reset-request',
      body: { email: other.email },
    });
    const recovery = await handOverNewest(scene.installation.db, scene.api.config);
    expectRefusal(await verify(recovery.token), 401, 'EMAIL_VERIFICATION_TOKEN_INVALID');
  });

  it('401 EMAIL_VERIFICATION_TOKEN_EXPIRED past its lifetime', async () => {
    const user = await newSent();
    await scene.installation.db
      .updateTable('verifications')
      .set({ expires_at: new Date(Date.now() - 1000) })
      .where('account_id', '=', user.id)
      .execute();
    expectRefusal(await verify(user.mailed), 401, 'EMAIL_VERIFICATION_TOKEN_EXPIRED');
  });

  it('401 EMAIL_VERIFICATION_TOKEN_INVALID for the token of a deleted account', async () => {
    const user = await newSent();
    await scene.installation.db.deleteFrom('accounts').where('id', '=', user.id).execute();
    expectRefusal(await verify(user.mailed), 401, 'EMAIL_VERIFICATION_TOKEN_INVALID');
  });

  it('switches to the new address of a change', async () => {
    const user = await scene.newUser();
    const first = await handOverNewest(scene.installation.db, scene.api.config);
    const to = 'moved-here@example.org';
    const asked = await scene.api.app.inject({
      method: 'POST',
      url: '/v1/tenants/me/email-change',
      headers: { authorization: `Bearer ${user.apiKey}` },
      payload: { email: to },
    });
    expect([asked.statusCode, (await newestMessage(scene.installation.db)).purpose]).toEqual([
      202,
      purposes.email_change.name,
    ]);
    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    expect((await verify(token)).json()).toMatchObject({ id: user.tenantId, email: to, emailVerified: true });
    // Whoever reads the old mailbox speaks for the account no more.
    expectRefusal(await verify(first.token), 401, 'EMAIL_VERIFICATION_TOKEN_INVALID');
  });

  it('409 EMAIL_ALREADY_TAKEN for a new address that somebody else has by now, however often', async () => {
    const [user, other] = [await scene.newUser(), await scene.newUser()];
    await scene.api.app.inject({
      method: 'POST',
      url: '/v1/tenants/me/email-change',
      headers: { authorization: `Bearer ${user.apiKey}` },
      payload: { email: other.email },
    });
    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    for (let count = 0; count < 2; count += 1) expectRefusal(await verify(token), 409, 'EMAIL_ALREADY_TAKEN');
  });
});

describe('GET /api/auth/email/verification/status', () => {
  const read = async (user: SignedIn) =>
    (await scene.call({ method: 'GET', path: status, token: user.token })).json<{
      emailVerified: boolean;
      lastEmail: { status: string | null; failure: string | null } | null;
    }>();

  it('says that nothing was asked for, that it waits, that it was sent, and that it is verified', async () => {
    const user = await newPending(scene);
    expect(await read(user)).toEqual({ emailVerified: false, lastEmail: null });
    await scene.call({ method: 'POST', path: send, token: user.token });
    expect((await read(user)).lastEmail).toMatchObject({ status: null, failure: null });
    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    expect((await read(user)).lastEmail).toMatchObject({ status: 'SENT', failure: null });
    await verify(token);
    expect((await read(user)).emailVerified).toBe(true);
  });

  it.each([
    [
      'EMAIL_SEND_FAILURE',
      { status: 'bounced', reason: 'recipient_refused', code: 'recipient_refused', result: 'permanent' },
    ],
    ['EMAIL_SEND_FAILURE', { status: 'gave_up', reason: 'too_late', code: 'timeout', result: 'transient' }],
    [
      'EMAIL_AUTHENTICATION_FAILURE',
      { status: 'gave_up', reason: 'too_late', code: 'auth', result: 'misconfigured' },
    ],
    ['EMAIL_TEMPLATE_FAILURE', { status: 'gave_up', reason: 'not_composed' }],
  ] as const)('tells the owner %s of a mail that ended as %j', async (failure, outcome) => {
    const { db } = scene.installation;
    const user = await newPending(scene);
    await scene.call({ method: 'POST', path: send, token: user.token });
    const claimed = await claim(db, (await newestMessage(db)).id);
    await beginAttempt(db, scene.api.config, claimed);
    await record(db, claimed, outcome);
    expect((await read(user)).lastEmail).toMatchObject({ status: 'FAILED', failure });
  });

  it('is told to nobody else', async () => {
    expectRefusal(await scene.call({ method: 'GET', path: status }), 401, 'AUTHENTICATION_REQUIRED');
    const [user, other] = [await newSent(), await newPending(scene)];
    expect((await read(other)).lastEmail).toBeNull();
    expect((await read(user)).lastEmail).not.toBeNull();
  });
});
