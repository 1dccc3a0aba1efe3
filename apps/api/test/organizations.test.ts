import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { type Answer, get, getAsAdmin, newClient, newEmail, post, resend } from './support/requests.ts';
import { eventually } from './support/eventually.ts';

const defaultId = '00000000-0000-7000-8000-000000000001';

describe('an organization', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());

  const headers = { authorization: `Bearer ${adminKey}` };
  const path = '/v1/admin/organizations';
  const create = (body: object): Promise<Answer> => post(api, path, body, { headers });
  const change = (id: string, body: object): Promise<Answer> =>
    api.app.inject({
      method: 'PATCH',
      url: `${path}/${id}`,
      headers,
      payload: body,
      remoteAddress: newClient(),
    });
  const organizationOf = (answer: Answer) =>
    answer.json<{ organization: { id: string; settings: Record<string, string> } }>().organization;

  it('works with the defaults of the installation when nothing is set', async () => {
    const answer = await create({ slug: 'plain', name: 'Plain' });
    expect(answer.statusCode).toBe(201);
    expect(organizationOf(answer)).toMatchObject({ slug: 'plain', name: 'Plain', settings: {} });
    const { id } = organizationOf(answer);
    expect(organizationOf(await getAsAdmin(api, `${path}/${id}`))).toMatchObject({ id });
    const all = (await getAsAdmin(api, path)).json<{ organizations: { id: string }[] }>().organizations;
    expect(all.map((o) => o.id)).toEqual([defaultId, id]);
  });

  it('is made once of a slug', async () => {
    await create({ slug: 'twice', name: 'One' });
    expectProblem(await create({ slug: 'twice', name: 'Other' }), {
      status: 409,
      reason: 'ORGANIZATION_EXISTS',
    });
  });

  it('sets nothing when one value is wrong, and is told of every wrong one by name', async () => {
    const { id } = organizationOf(await create({ slug: 'strict', name: 'Strict' }));
    const answer = await change(id, {
      settings: {
        BRAND_NAME: 'Acme',
        RATE_LIMIT_ADDRESS: 'often',
        DEFAULT_LOCALE: 'xx',
        TOKEN_KEYS: '1:aaaa',
        BRAND_BUTTON_COLOR: 'red',
        REDIRECT_ORIGINS: '*',
      },
    });
    const problem = expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' });
    expect(fieldsOf(problem).toSorted()).toEqual([
      'settings.BRAND_BUTTON_COLOR',
      'settings.DEFAULT_LOCALE',
      'settings.RATE_LIMIT_ADDRESS',
      'settings.TOKEN_KEYS',
    ]);
    expect(organizationOf(await getAsAdmin(api, `${path}/${id}`)).settings).toEqual({});
  });

  it('is named, and sets, no control character: U+0000 has no place in Postgres, and a line break ends a header', async () => {
    const { id } = organizationOf(await create({ slug: 'one-line', name: 'One line' }));
    for (const character of ['\0', '\n', '\r', '\u0085', '\u2028']) {
      const named = await create({ slug: 'named', name: `Na${character}me` });
      expect(fieldsOf(expectProblem(named, { status: 400, reason: 'VALIDATION_FAILED' }))).toEqual(['name']);
      const settings = { BRAND_NAME: `Ac${character}me` };
      for (const answer of [
        await create({ slug: 'set', name: 'Set', settings }),
        await change(id, { settings }),
        await change(id, { settings: { [`BRAND${character}NAME`]: 'Acme' } }),
      ])
        expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' });
    }
    expect((await create({ slug: 'named', name: 'Free still' })).statusCode).toBe(201);
  });

  it('may not allow every redirect in production, nor look back further than requests are remembered', async () => {
    for (const settings of [{ REDIRECT_ORIGINS: '*' }, { RATE_LIMIT_ADDRESS: '1/86400' }])
      expectProblem(await create({ slug: 'too-far', name: 'Too far', settings }), {
        status: 400,
        reason: 'VALIDATION_FAILED',
      });
  });

  it('takes a setting back with null', async () => {
    const { id } = organizationOf(
      await create({ slug: 'back', name: 'Back', settings: { BRAND_NAME: 'Acme', DEFAULT_LOCALE: 'es' } }),
    );
    expect(organizationOf(await change(id, { settings: { BRAND_NAME: null } })).settings).toEqual({
      DEFAULT_LOCALE: 'es',
    });
  });

  it('that changes its limits while the API runs is counted by the new ones within seconds', async () => {
    const email = newEmail();
    expect((await resend(api, email)).statusCode).toBe(200);
    expectProblem(await resend(api, email), { status: 429, reason: 'RESEND_COOLDOWN' });
    expect((await change(defaultId, { settings: { RATE_LIMIT_ADDRESS: '3/60' } })).statusCode).toBe(200);
    await eventually(
      'the new limit holds',
      async () => ((await resend(api, email)).statusCode === 200 ? true : undefined),
      15_000,
    );
    expect((await resend(api, email)).statusCode).toBe(200);
    expectProblem(await resend(api, email), { status: 429, reason: 'RESEND_COOLDOWN' });
    await change(defaultId, { settings: { RATE_LIMIT_ADDRESS: null } });
  });

  it('is nobody’s to read or to change without the operator’s key', async () => {
    expectProblem(await get(api, path), { status: 401, reason: 'UNAUTHORIZED' });
    expectProblem(await post(api, path, { slug: 'x', name: 'X' }), { status: 401, reason: 'UNAUTHORIZED' });
  });

  it('that nobody made is not found', async () => {
    const id = defaultId.replace(/1$/, '9');
    expectProblem(await getAsAdmin(api, `${path}/${id}`), { status: 404, reason: 'NOT_FOUND' });
    expectProblem(await change(id, { name: 'X' }), { status: 404, reason: 'NOT_FOUND' });
  });
});
