import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSessionKey } from './support/access-scene.ts';
import { type HandOver, handOverNewest } from './support/hand-over.ts';
import { appOrigin, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { type Answer, get, newEmail, post, register, tenantOf } from './support/requests.ts';

const redirectUrl = `${appOrigin}/signed-in`;

interface Session {
  readonly accessToken: string;
  readonly expiresAt: string;
  readonly refreshToken: string;
}

const sessionIn = (answer: Answer): Session | null => answer.json<{ session: Session | null }>().session;

const expectSession = (answer: Answer): Session => {
  expect(answer.statusCode).toBe(200);
  const session = sessionIn(answer);
  if (session === null) throw new Error('no session was opened');
  return session;
};

let installation: Installation;
/** With sessions, and without. */
let api: TestApi;
let bare: TestApi;
beforeAll(async () => {
  installation = await openInstallation();
  api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off', SESSION_KEYS: newSessionKey('test-1') });
  bare = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
});
afterAll(() => installation.close());

const ask = (body: object): Promise<Answer> => post(api, '/v1/resend', body);

/** Somebody with an account, and the mail of a purpose. */
const mailed = async (
  purpose: string,
): Promise<HandOver & { readonly email: string; readonly apiKey: string }> => {
  const { email, apiKey } = await register(api);
  expect((await ask({ purpose, email, redirectUrl })).statusCode).toBe(200);
  return { email, apiKey, ...(await handOverNewest(installation.db, api.config)) };
};

const end = (accessToken: string): Promise<Answer> =>
  api.app.inject({
    method: 'POST',
    url: '/v1/sessions/end',
    headers: { authorization: `Bearer ${accessToken}` },
  });

describe.each(['magiclink', 'recovery'])('POST /v1/verify for %s', (purpose) => {
  it('with the token of the link opens a session once and confirms the address', async () => {
    const { token, email, apiKey } = await mailed(purpose);
    const answer = await post(api, '/v1/verify', { token });
    const session = expectSession(answer);
    expect(answer.json()).toMatchObject({ ok: true, purpose, email, alreadyConfirmed: false });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(new Date(session.expiresAt).getTime()).toBeGreaterThan(Date.now());
    expect(await tenantOf(api, { apiKey })).toMatchObject({ status: 'ACTIVE' });
    const again = await post(api, '/v1/verify', { token });
    expect(again.json()).toMatchObject({ alreadyConfirmed: true, session: null });
  });

  it('with the code of the mail opens a session', async () => {
    const { code, email } = await mailed(purpose);
    expectProblem(await post(api, '/v1/verify', { email, code }), { status: 400, reason: 'TOKEN_UNKNOWN' });
    expectSession(await post(api, '/v1/verify', { email, code, purpose }));
  });

  it('pressed 20 times at once opens one session', async () => {
    const { token } = await mailed(purpose);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(api, '/v1/verify', { token })));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(answers.filter((answer) => sessionIn(answer) !== null)).toHaveLength(1);
  });

  it('says whose address was proved where sessions are off', async () => {
    const { token, email } = await mailed(purpose);
    const answer = await post(bare, '/v1/verify', { token });
    expect(answer.json()).toEqual({ ok: true, purpose, email, alreadyConfirmed: false, session: null });
  });

  it('leaves the button of the page without a say: scanners press it', async () => {
    const { token } = await mailed(purpose);
    expectProblem(await post(api, '/v1/verify-email', { token }), { status: 400, reason: 'TOKEN_UNKNOWN' });
    expectSession(await post(api, '/v1/verify', { token }));
  });
});

it('proving an address for a sign-up opens nothing', async () => {
  const { token } = await mailed('signup');
  expect((await post(api, '/v1/verify', { token })).json()).toMatchObject({
    purpose: 'signup',
    session: null,
  });
});

it('a magic link needs a page of the application; a recovery does where nobody can set a password here', async () => {
  const email = newEmail();
  const refused = { status: 400, reason: 'VALIDATION_FAILED' } as const;
  const wanted = { errors: [expect.objectContaining({ field: 'redirectUrl', code: 'required' })] };
  for (const [asked, purpose] of [
    [api, 'magiclink'],
    [bare, 'magiclink'],
    [bare, 'recovery'],
  ] as const) {
    const answer = await post(asked, '/v1/resend', { purpose, email });
    expectProblem(answer, refused);
    expect(answer.json()).toMatchObject(wanted);
  }
  expect((await ask({ purpose: 'recovery', email })).statusCode).toBe(200);
  expect((await get(api, '/v1/set-password')).statusCode).not.toBe(404);
  expect((await get(bare, '/v1/set-password')).statusCode).toBe(404);
});

describe('a session of v1', () => {
  const open = async (): Promise<Session> =>
    expectSession(await post(api, '/v1/verify', { token: (await mailed('magiclink')).token }));
  const refresh = (refreshToken: string): Promise<Answer> =>
    post(api, '/v1/sessions/refresh', { refreshToken });

  it('is refreshed, and ends when a used refresh token is shown again after its successor was used', async () => {
    const first = await open();
    const second = expectSession(await refresh(first.refreshToken));
    const third = expectSession(await refresh(second.refreshToken));
    expectProblem(await refresh(first.refreshToken), { status: 401, reason: 'UNAUTHORIZED' });
    expectProblem(await refresh(third.refreshToken), { status: 401, reason: 'UNAUTHORIZED' });
    expectProblem(await end(third.accessToken), { status: 401, reason: 'UNAUTHORIZED' });
  });

  it('ends at once when it is signed out', async () => {
    const { accessToken, refreshToken } = await open();
    expect((await end(accessToken)).statusCode).toBe(204);
    expectProblem(await end(accessToken), { status: 401, reason: 'UNAUTHORIZED' });
    expectProblem(await refresh(refreshToken), { status: 401, reason: 'UNAUTHORIZED' });
  });

  it('is not to be had with a made-up token, and not at all where sessions are off', async () => {
    expectProblem(await refresh('made-up'), { status: 401, reason: 'UNAUTHORIZED' });
    expectProblem(await end('made.up.token'), { status: 401, reason: 'UNAUTHORIZED' });
    expect((await post(bare, '/v1/sessions/refresh', { refreshToken: 'x' })).statusCode).toBe(404);
  });
});
