import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  base,
  bearer,
  call,
  deliverNewest,
  gotrueSettings,
  password,
  withoutLimits,
} from '../support/gotrue.ts';
import {
  adminKey,
  appOrigin,
  type Installation,
  openInstallation,
  publicUrl,
  type TestApi,
} from '../support/installation.ts';
import { type AnswerCheck, answerCheck, type OpenApi } from '../support/openapi.ts';
import { get, newEmail } from '../support/requests.ts';

describe('/openapi/gotrue.json', () => {
  let installation: Installation;
  let api: TestApi;
  let document: OpenApi;
  let wrongWith: AnswerCheck;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ ...gotrueSettings(), ...withoutLimits });
    document = (await get(api, '/openapi/gotrue.json')).json<OpenApi>();
    wrongWith = answerCheck(document);
  });
  afterAll(() => installation.close());

  it('holds the routes of the contract and no other', () => {
    expect(document).toMatchObject({ servers: [{ url: publicUrl }] });
    expect(Object.keys(document.paths).toSorted()).toEqual(
      [
        'health',
        'invite',
        'logout',
        'magiclink',
        'otp',
        'recover',
        'resend',
        'settings',
        'signup',
        'token',
        'user',
        'verify',
      ].map((name) => `${base}/${name}`),
    );
    expect(Object.keys(document.paths[`${base}/user`] ?? {})).toEqual(['get', 'put']);
    expect(Object.keys(document.paths[`${base}/verify`] ?? {}).toSorted()).toEqual(['get', 'post']);
  });

  it('and v1’s document holds none of them, under both of its names', async () => {
    const v1 = (await get(api, '/openapi.json')).json<OpenApi>();
    expect(Object.keys(v1.paths).filter((path) => path.startsWith(base))).toEqual([]);
    expect((await get(api, '/openapi/v1.json')).json()).toEqual(v1);
    expect(Object.keys(v1.paths)).toContain('/v1/resend');
  });

  it('says of every operation what it is for, and what it answers', () => {
    for (const [path, methods] of Object.entries(document.paths))
      for (const operation of Object.values(methods)) {
        expect({ path, ...operation }).toMatchObject({
          summary: expect.any(String) as string,
          tags: [expect.any(String) as string],
        });
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
      }
  });

  it('is kept by every answer, in both forms of an error', async () => {
    const email = newEmail();
    const problems: unknown[] = [];
    const send = async (
      method: 'GET' | 'POST' | 'PUT',
      path: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ) => {
      const answer = await call(api, method, path, body, { headers });
      if (answer.statusCode !== 204)
        problems.push(wrongWith(method, `${base}${path.split('?')[0] ?? ''}`, answer));
      return answer;
    };
    for (const dated of [{}, { 'x-supabase-api-version': '2024-01-01' }]) {
      await send('POST', '/resend', { type: 'signup', email: newEmail() }, dated);
      await send('POST', '/resend', { type: 'x' }, dated);
      await send('POST', '/signup', { email: newEmail(), password: 'x' }, dated);
      await send('POST', '/token?grant_type=password', { email, password }, dated);
      await send('POST', '/verify', { type: 'signup', token_hash: 'x' }, dated);
      await send('GET', '/user', undefined, dated);
      await send('POST', '/invite', { email }, dated);
    }
    await send('POST', '/signup', { email, password, data: { a: [1] } });
    const { token } = await deliverNewest(api, installation.db, 'signup');
    const { access_token, refresh_token } = (
      await send('POST', '/verify', { type: 'signup', token_hash: token })
    ).json<{ access_token: string; refresh_token: string }>();
    await send('POST', '/token?grant_type=refresh_token', { refresh_token });
    await send('POST', '/recover', { email });
    await send('POST', '/otp', { email });
    await send('POST', '/magiclink', { email });
    await send('GET', '/user', undefined, bearer(access_token));
    await send('PUT', '/user', { email: newEmail(), phone: '+4520123456' }, bearer(access_token));
    const change = await deliverNewest(api, installation.db, 'email_change');
    await send('POST', '/verify', { type: 'email_change', token_hash: change.token });
    await send('POST', '/invite', { email: newEmail() }, bearer(adminKey));
    await send('GET', '/settings');
    await send('GET', '/health');
    await send('POST', '/logout', {}, bearer(access_token));
    expect(problems.length).toBeGreaterThan(25);
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  });
});

describe('browsers', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi(gotrueSettings());
  });
  afterAll(() => installation.close());

  const preflight = (origin: string) =>
    api.app.inject({
      method: 'OPTIONS',
      url: `${base}/resend`,
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers':
          'apikey,authorization,content-type,x-client-info,x-supabase-api-version',
      },
    });

  it('may call from the origins that links may lead to, with the headers that clients send', async () => {
    const { headers } = await preflight(appOrigin);
    expect(headers).toMatchObject({
      'access-control-allow-origin': appOrigin,
      'access-control-allow-credentials': 'true',
    });
    for (const name of ['apikey', 'x-client-info', 'x-supabase-api-version'])
      expect(headers['access-control-allow-headers']).toContain(name);
    expect((await preflight('https://evil.example')).headers['access-control-allow-origin']).not.toBe(
      'https://evil.example',
    );
  });

  it('never get credentials from any origin', async () => {
    const open = await installation.startApi({
      ...gotrueSettings(),
      NODE_ENV: 'development',
      REDIRECT_ORIGINS: '*',
    });
    const { headers } = await open.app.inject({
      method: 'POST',
      url: `${base}/resend`,
      headers: { origin: 'https://evil.example' },
      payload: { type: 'signup', email: newEmail() },
    });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });
});
