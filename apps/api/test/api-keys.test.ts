import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findOrganizationKey } from '@reconfirm/db/api-keys';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { authenticateApiKey } from '../src/api-key.ts';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { type Answer, get, newClient, register, tenantOf } from './support/requests.ts';
import { countRows } from './support/rows.ts';

const path = '/v1/admin/api-keys';
const unknownId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';

interface Key {
  readonly id: string;
  readonly lastFour: string;
  readonly revokedAt: string | null;
}

describe('keys of an organization', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());

  const call = (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    payload?: object,
    key = adminKey,
  ): Promise<Answer> =>
    api.app.inject({
      method,
      url,
      remoteAddress: newClient(),
      headers: { authorization: `Bearer ${key}` },
      ...(payload === undefined ? {} : { payload }),
    });
  const make = async (body: object = {}): Promise<{ readonly key: Key; readonly apiKey: string }> => {
    const answer = await call('POST', path, {
      name: 'shop',
      scopes: ['messages:send', 'events:read'],
      ...body,
    });
    expect(answer.statusCode).toBe(201);
    return answer.json();
  };
  const authenticate = (apiKey: string) =>
    authenticateApiKey(`Bearer ${apiKey}`, (id, hash) => findOrganizationKey(installation.db, id, hash));
  const list = async (): Promise<readonly Key[]> => (await call('GET', path)).json<{ keys: Key[] }>().keys;

  it('speak for their organization with their scopes', async () => {
    const { key, apiKey } = await make();
    expect(await authenticate(apiKey)).toEqual({
      keyId: key.id,
      organizationId: defaultOrganizationId,
      scopes: ['messages:send', 'events:read'],
    });
  });

  it('are shown once: the list tells the last four characters only, and the row a hash', async () => {
    const { key, apiKey } = await make();
    expect(key.lastFour).toBe(apiKey.slice(-4));
    const listed = await call('GET', path);
    expect(listed.json<{ keys: Key[] }>().keys[0]).toEqual(key);
    const secret = apiKey.slice(36);
    expect(listed.body).not.toContain(secret);
    const rows = await installation.db.selectFrom('api_keys').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(api.logged()).not.toContain(secret);
  });

  it('end at once and for good when they are revoked, however often', async () => {
    const { key, apiKey } = await make();
    const first = await call('DELETE', `${path}/${key.id}`);
    expect([first.statusCode, first.json<{ key: Key }>().key.revokedAt]).toEqual([200, expect.any(String)]);
    expect((await call('DELETE', `${path}/${key.id}`)).body).toBe(first.body);
    expect(await authenticate(apiKey)).toBeUndefined();
    expect((await list()).find(({ id }) => id === key.id)?.revokedAt).not.toBeNull();
  });

  it('are of one organization: the list of another is another', async () => {
    const organizationId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d02';
    await installation.db.insertInto('organizations').values({ id: organizationId, name: 'other' }).execute();
    const { key, apiKey } = await make({ organizationId });
    expect((await list()).map(({ id }) => id)).not.toContain(key.id);
    const other = await call('GET', `${path}?organizationId=${organizationId}`);
    expect(other.json<{ keys: Key[] }>().keys.map(({ id }) => id)).toEqual([key.id]);
    expect(await authenticate(apiKey)).toMatchObject({ organizationId });
  });

  it('are no keys of tenants, and no tenant’s key is one of them', async () => {
    const { apiKey } = await make();
    expectProblem(await get(api, '/v1/tenants/me', { headers: { authorization: `Bearer ${apiKey}` } }), {
      status: 401,
      reason: 'UNAUTHORIZED',
    });
    const tenant = await register(api);
    expect(await authenticate(tenant.apiKey)).toBeUndefined();
    expect(await tenantOf(api, tenant)).toMatchObject({ id: tenant.tenantId });
    const id = (
      await installation.db
        .selectFrom('api_keys')
        .select('id')
        .where('account_id', '=', tenant.tenantId)
        .executeTakeFirstOrThrow()
    ).id;
    expectProblem(await call('DELETE', `${path}/${id}`), { status: 404, reason: 'NOT_FOUND' });
    expect(await tenantOf(api, tenant)).toMatchObject({ id: tenant.tenantId });
  });

  it.each([undefined, '', 'Bearer', 'Basic x', 'Bearer rk_x', `Bearer ${'a'.repeat(100)}`])(
    'are not %j',
    async (authorization) => {
      expect(
        await authenticateApiKey(authorization, (id, hash) => findOrganizationKey(installation.db, id, hash)),
      ).toBeUndefined();
    },
  );

  it.each([
    ['no name', { scopes: ['events:read'] }, ['name']],
    ['no scopes', { name: 'shop', scopes: [] }, ['scopes']],
    ['an unknown scope', { name: 'shop', scopes: ['messages:*'] }, ['scopes.0']],
    ['a scope twice', { name: 'shop', scopes: ['events:read', 'events:read'] }, ['scopes']],
    ['a name of two lines', { name: 'a\nb', scopes: ['events:read'] }, ['name']],
    ['anything else', { name: 'shop', scopes: ['events:read'], accountId: unknownId }, ['accountId']],
  ])('with %s are a 400, and none is made', async (_, body, fields) => {
    const before = await countRows(installation.db);
    const problem = expectProblem(await call('POST', path, body), {
      status: 400,
      reason: 'VALIDATION_FAILED',
    });
    expect(fieldsOf(problem)).toEqual(fields);
    expect(await countRows(installation.db)).toEqual(before);
  });

  it('that are unknown, or of an unknown organization, are a 404', async () => {
    expectProblem(await call('DELETE', `${path}/${unknownId}`), { status: 404, reason: 'NOT_FOUND' });
    const body = { name: 'shop', scopes: ['events:read'], organizationId: unknownId };
    expectProblem(await call('POST', path, body), { status: 404, reason: 'NOT_FOUND' });
  });

  it('are the operator’s alone: every route is a 401 without ADMIN_KEY, with a wrong one, and with such a key', async () => {
    const { key, apiKey } = await make();
    for (const wrong of ['', 'x', apiKey])
      for (const answer of [
        await call('GET', path, undefined, wrong),
        await call('POST', path, { name: 'shop', scopes: ['events:read'] }, wrong),
        await call('DELETE', `${path}/${key.id}`, undefined, wrong),
      ])
        expectProblem(answer, { status: 401, reason: 'UNAUTHORIZED' });
    expect(await authenticate(apiKey)).toBeDefined();
  });
});
