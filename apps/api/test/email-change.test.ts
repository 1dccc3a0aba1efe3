import type { ChangeSide } from '@reconfirm/core/contact-change';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOver, handOverNewest } from './support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import {
  type Answer,
  get,
  newClient,
  newEmail,
  post,
  type Registered,
  register,
  tenantOf,
} from './support/requests.ts';

describe('moving to another address', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
  });
  afterAll(() => installation.close());

  const path = '/v1/tenants/me/email-change';
  const headersOf = ({ apiKey }: Registered) => ({ authorization: `Bearer ${apiKey}` });
  const verified = async (): Promise<Registered> => {
    const tenant = await register(api);
    await confirm((await handOverNewest(installation.db, api.config)).token);
    return tenant;
  };
  const ask = (tenant: Registered, email: string): Promise<Answer> =>
    post(api, path, { email }, { headers: headersOf(tenant) });
  const confirm = (token: string): Promise<Answer> => post(api, '/v1/verify', { token });
  const emailOf = async (tenant: Registered) => (await tenantOf(api, tenant))['email'];

  /** Hands the newest mail of one side over; returns the token in it. */
  const tokenOf = async (tenant: Registered, side: ChangeSide, purpose = 'email_change'): Promise<string> => {
    const { id } = await installation.db
      .selectFrom('messages')
      .select('id')
      .where('account_id', '=', tenant.tenantId)
      .where('side', '=', side)
      .where('purpose', '=', purpose)
      .orderBy('seq', 'desc')
      .executeTakeFirstOrThrow();
    return (await handOver(installation.db, api.config, id)).token;
  };

  it.each([
    ['new', 'current'],
    ['current', 'new'],
  ] as const)(
    'needs both addresses, the %s one first, and happens with the second',
    async (first, second) => {
      const tenant = await verified();
      const email = newEmail();
      const asked = await ask(tenant, email);
      expect(asked.statusCode).toBe(202);
      expect(asked.json()).toMatchObject({ change: { newEmail: email, mode: 'both' } });
      expect((await confirm(await tokenOf(tenant, first))).statusCode).toBe(200);
      expect(await emailOf(tenant)).toBe(tenant.email);
      expect((await get(api, path, { headers: headersOf(tenant) })).json()).toMatchObject({
        change: { confirmed: { [first]: true, [second]: false } },
      });
      expect((await confirm(await tokenOf(tenant, second))).statusCode).toBe(200);
      expect(await emailOf(tenant)).toBe(email);
      expectProblem(await get(api, path, { headers: headersOf(tenant) }), {
        status: 404,
        reason: 'NOT_FOUND',
      });
    },
  );

  it('counts the same side once, however often its link is used', async () => {
    const tenant = await verified();
    await ask(tenant, newEmail());
    const token = await tokenOf(tenant, 'new');
    for (let i = 0; i < 3; i += 1) expect((await confirm(token)).statusCode).toBe(200);
    expect(await emailOf(tenant)).toBe(tenant.email);
  });

  it('of an account that never proved its address needs the new one only: a typing mistake is no dead end', async () => {
    const tenant = await register(api);
    const email = newEmail();
    expect((await ask(tenant, email)).json()).toMatchObject({ change: { mode: 'new_only' } });
    expect((await confirm(await tokenOf(tenant, 'new'))).statusCode).toBe(200);
    expect(await tenantOf(api, tenant)).toMatchObject({ email, status: 'ACTIVE' });
  });

  it('asked for again ends the wish before it, and its tokens confirm nothing', async () => {
    const tenant = await register(api);
    await ask(tenant, newEmail());
    const older = await tokenOf(tenant, 'new');
    const email = newEmail();
    await ask(tenant, email);
    expectProblem(await confirm(older), { status: 400, reason: 'TOKEN_SUPERSEDED' });
    await confirm(await tokenOf(tenant, 'new'));
    expect(await emailOf(tenant)).toBe(email);
  });

  it('given up leaves no token that works', async () => {
    const tenant = await register(api);
    await ask(tenant, newEmail());
    const token = await tokenOf(tenant, 'new');
    const giveUp = () =>
      api.app.inject({ method: 'DELETE', url: path, headers: headersOf(tenant), remoteAddress: newClient() });
    expect((await giveUp()).statusCode).toBe(204);
    expectProblem(await confirm(token), { status: 400, reason: 'TOKEN_SUPERSEDED' });
    expectProblem(await giveUp(), { status: 404, reason: 'NOT_FOUND' });
  });

  it('to an address that somebody else has is told when it is confirmed, and changes nothing', async () => {
    const [tenant, other] = [await register(api), await register(api)];
    expect((await ask(tenant, other.email)).statusCode).toBe(202);
    const token = await tokenOf(tenant, 'new');
    for (let i = 0; i < 2; i += 1)
      expectProblem(await confirm(token), { status: 409, reason: 'EMAIL_ALREADY_REGISTERED' });
    expect(await emailOf(tenant)).toBe(tenant.email);
  });

  it('of two accounts to one address lets one of them have it', async () => {
    const tenants = [await register(api), await register(api)];
    const email = newEmail();
    for (const tenant of tenants) await ask(tenant, email);
    const tokens = [];
    for (const tenant of tenants) tokens.push(await tokenOf(tenant, 'new'));
    const answers = await Promise.all(tokens.map(confirm));
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 409]);
  });

  it('is told to the old address, whose link takes it back once', async () => {
    const tenant = await verified();
    await ask(tenant, newEmail());
    await confirm(await tokenOf(tenant, 'new'));
    await confirm(await tokenOf(tenant, 'current'));
    const undo = await tokenOf(tenant, 'current', 'email_changed');
    expect(await emailOf(tenant)).not.toBe(tenant.email);
    expect((await confirm(undo)).statusCode).toBe(200);
    expect(await emailOf(tenant)).toBe(tenant.email);
    expect((await confirm(undo)).json()).toMatchObject({ alreadyConfirmed: true });
  });

  it('is refused for the address that the account has, and without its key', async () => {
    const tenant = await register(api);
    expectProblem(await ask(tenant, tenant.email.toUpperCase()), { status: 409, reason: 'ALREADY_VERIFIED' });
    expectProblem(await post(api, path, { email: newEmail() }), { status: 401, reason: 'UNAUTHORIZED' });
  });
});

describe('moving under limits', () => {
  it('is charged like every mail, and a refused wish charges nothing and leaves the wish before it', async () => {
    const installation = await openInstallation();
    try {
      const api = await installation.startApi();
      const tenant = await register(api);
      const email = newEmail();
      const ask = () =>
        post(
          api,
          '/v1/tenants/me/email-change',
          { email },
          { headers: { authorization: `Bearer ${tenant.apiKey}` } },
        );
      expect((await ask()).statusCode).toBe(202);
      expectProblem(await ask(), { status: 429, reason: 'RESEND_COOLDOWN' });
      const { token } = await handOverNewest(installation.db, api.config);
      expect((await post(api, '/v1/verify', { token })).statusCode).toBe(200);
    } finally {
      await installation.close();
    }
  });
});
