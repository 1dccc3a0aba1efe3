import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import { appOrigin, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import {
  type Answer,
  get,
  newClient,
  post,
  type Registered,
  register,
  tenantOf,
} from './support/requests.ts';

describe('“this was not me”', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
  });
  afterAll(() => installation.close());

  const registerAndMail = async (): Promise<Registered & { readonly token: string }> => {
    const registered = await register(api);
    return { ...registered, token: (await handOverNewest(installation.db, api.config)).token };
  };
  const press = (token: string): Promise<Answer> =>
    api.app.inject({
      method: 'POST',
      url: '/v1/not-me',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ token }).toString(),
      remoteAddress: newClient(),
    });
  const confirm = (token: string): Promise<Answer> => post(api, '/v1/verify', { token });
  const disowned = (tenantId: string) =>
    installation.db
      .selectFrom('outgoing_events')
      .select('type')
      .where('account_id', '=', tenantId)
      .where('type', '=', 'contact.disowned')
      .execute();

  it('opened any number of times changes nothing', async () => {
    const { token } = await registerAndMail();
    for (let i = 0; i < 3; i += 1) {
      const page = await get(api, `/v1/not-me?token=${token}`, { headers: { accept: 'text/html' } });
      expect(page.statusCode).toBe(200);
      expect(page.headers['cache-control']).toBe('no-store');
      expect(page.body).toContain('<form');
    }
    expect((await confirm(token)).statusCode).toBe(200);
  });

  it('pressed ends the link, frees the address for its owner, and is told to the host once', async () => {
    const squatter = await registerAndMail();
    expect((await press(squatter.token)).statusCode).toBe(200);
    expectProblem(await confirm(squatter.token), { status: 400, reason: 'TOKEN_SUPERSEDED' });
    expect(await tenantOf(api, squatter)).toMatchObject({ email: null, status: 'SUSPENDED' });
    await press(squatter.token);
    expect(await disowned(squatter.tenantId)).toHaveLength(1);
    const owner = await register(api, { email: squatter.email });
    expect(owner.tenantId).not.toBe(squatter.tenantId);
    expect((await confirm((await handOverNewest(installation.db, api.config)).token)).statusCode).toBe(200);
  });

  it('pressed for an account that is verified ends the message and leaves the account', async () => {
    const tenant = await registerAndMail();
    await confirm(tenant.token);
    const redirectUrl = `${appOrigin}/new-password`;
    await post(api, '/v1/resend', { purpose: 'recovery', email: tenant.email, redirectUrl });
    const { token } = await handOverNewest(installation.db, api.config);
    expect((await press(token)).statusCode).toBe(200);
    expect(await tenantOf(api, tenant)).toMatchObject({ email: tenant.email, status: 'ACTIVE' });
    expect(await disowned(tenant.tenantId)).toHaveLength(1);
  });

  it('pressed after the link was used undoes nothing', async () => {
    const tenant = await registerAndMail();
    await confirm(tenant.token);
    expect((await press(tenant.token)).statusCode).toBe(200);
    expect(await tenantOf(api, tenant)).toMatchObject({ status: 'ACTIVE' });
    expect(await disowned(tenant.tenantId)).toEqual([]);
  });

  it('answers alike for a token that nobody made, and refuses one that is none', async () => {
    const [known, unknown] = [await press((await registerAndMail()).token), await press('f'.repeat(64))];
    const bodyOf = (answer: Answer) => answer.body.replaceAll(/nonce="[^"]*"/g, '');
    expect(bodyOf(unknown)).toBe(bodyOf(known));
    for (const token of ['', 'x', '../..', 'f'.repeat(65)]) expect((await press(token)).statusCode).toBe(400);
  });
});
