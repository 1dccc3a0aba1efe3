import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from '../support/hand-over.ts';
import { type Answer, newEmail, register } from '../support/requests.ts';
import { newestMessage } from '../support/rows.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import { expectRefusal } from './support/singularity.ts';

const request = '/api/auth/password/reset-request';
const cooldown = '/api/auth/password/reset/cooldown';
const reset = '/api/auth/password/reset';
const strong = 'Correct-h0rse';

let scene: DialectScene;
beforeAll(async () => {
  scene = await openDialect('singularity');
});
afterAll(() => scene.close());

const ask = (email: unknown): Promise<Answer> =>
  scene.call({ method: 'POST', path: request, body: { email } });
const set = (token: string | undefined, password: unknown): Promise<Answer> =>
  scene.call({
    method: 'POST',
    path: reset,
    url: token === undefined ? reset : `${reset}?token=${token}`,
    body: { password },
  });
const newToken = async (): Promise<{ token: string; id: string; email: string }> => {
  const { tenantId, email } = await register(scene.api);
  await ask(email);
  const { token } = await handOverNewest(scene.installation.db, scene.api.config);
  return { token, id: tenantId, email };
};

describe('POST /api/auth/password/reset-request', () => {
  it('200 {cooldown}, the same for a registered and an unknown address', async () => {
    const { email } = await register(scene.api);
    const [known, unknown] = [await ask(email), await ask(newEmail())];
    expect([known.statusCode, known.json()]).toEqual([200, { cooldown: 60 }]);
    expect([unknown.statusCode, unknown.body, unknown.headers['ratelimit']]).toEqual([
      200,
      known.body,
      known.headers['ratelimit'],
    ]);
    expect(await newestMessage(scene.installation.db)).toMatchObject({
      purpose: 'recovery',
      contract: 'singularity',
      redirect_url: 'https://verify.example.com/v1/set-password',
    });
  });

  it('429 EMAIL_COOLDOWN_ACTIVE for both alike', async () => {
    for (const email of [(await register(scene.api)).email, newEmail()]) {
      await ask(email);
      expectRefusal(await ask(email), 429, 'EMAIL_COOLDOWN_ACTIVE');
    }
  });

  it('503 EMAIL_DISABLED while mail is off', async () => {
    const api = await scene.startApi({ EMAIL_PROVIDER: 'none' });
    const answer = await scene.call({ method: 'POST', path: request, body: { email: newEmail() } }, api);
    expectRefusal(answer, 503, 'EMAIL_DISABLED');
  });

  it.each([['no-at-sign'], ['a@example.org\r\nBcc: b@example.org'], [7], [['a@example.org']], [null]])(
    '400 for %j',
    async (email) => {
      expectRefusal(await ask(email), 400, 'INVALID_REQUEST');
    },
  );

  it.each([
    ['malformed JSON', 400, 'INVALID_REQUEST', '{"email":', 'application/json'],
    ['an array', 400, 'INVALID_REQUEST', '[]', 'application/json'],
    ['nothing', 400, 'INVALID_REQUEST', '', 'application/json'],
    [
      'a megabyte',
      413,
      'PAYLOAD_TOO_LARGE',
      JSON.stringify({ email: 'a'.repeat(1 << 20) }),
      'application/json',
    ],
    ['a form', 415, 'UNSUPPORTED_MEDIA_TYPE', 'email=a%40example.org', 'application/x-www-form-urlencoded'],
  ])('%s is a %i', async (_what, status, code, payload, type) => {
    const headers = { 'content-type': type };
    expectRefusal(await scene.call({ method: 'POST', path: request, headers, body: payload }), status, code);
  });
});

describe('GET /api/auth/password/reset/cooldown', () => {
  it('200 {remaining} for any address, and counts nothing', async () => {
    const email = newEmail();
    const read = async () =>
      (await scene.call({ method: 'GET', path: cooldown, url: `${cooldown}?email=${email}` })).json<{
        remaining: number;
      }>().remaining;
    expect([await read(), await read()]).toEqual([0, 0]);
    await ask(email);
    expect(await read()).toBeGreaterThan(50);
  });

  it('400 without an address', async () => {
    expectRefusal(await scene.call({ method: 'GET', path: cooldown }), 400, 'INVALID_REQUEST');
  });
});

describe('POST /api/auth/password/reset', () => {
  it('200: the password is set, once, and the address verified', async () => {
    const { token, id } = await newToken();
    const answer = await set(token, strong);
    expect([answer.statusCode, answer.json()]).toEqual([200, { success: true }]);
    const row = await scene.installation.db
      .selectFrom('accounts')
      .select(['password_hash', 'status'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect([row.password_hash?.startsWith('$argon2id$'), row.status]).toEqual([true, 'active']);
    expectRefusal(await set(token, strong), 401, 'PASSWORD_RESET_TOKEN_INVALID');
  });

  it.each([
    ['short', 'Sh0rt!'],
    ['without upper case', 'correct-h0rse'],
    ['without lower case', 'CORRECT-H0RSE'],
    ['without a digit', 'Correct-horse'],
    ['without a special character', 'Correcth0rse'],
  ])('400 PASSWORD_TOO_WEAK for one %s; the token stays good', async (_what, password) => {
    const { token } = await newToken();
    expectRefusal(await set(token, password), 400, 'PASSWORD_TOO_WEAK');
    expect((await set(token, strong)).statusCode).toBe(200);
  });

  it('401 PASSWORD_RESET_TOKEN_MISSING, _INVALID and _EXPIRED', async () => {
    expectRefusal(await set(undefined, strong), 401, 'PASSWORD_RESET_TOKEN_MISSING');
    expectRefusal(await set('a'.repeat(64), strong), 401, 'PASSWORD_RESET_TOKEN_INVALID');
    const { token, id } = await newToken();
    await scene.installation.db
      .updateTable('verifications')
      .set({ expires_at: new Date(Date.now() - 1000) })
      .where('account_id', '=', id)
      .execute();
    expectRefusal(await set(token, strong), 401, 'PASSWORD_RESET_TOKEN_EXPIRED');
  });
});

describe('documents', () => {
  it('/openapi/singularity.json and /openapi/entryguard.json hold their own routes, /openapi.json none of them', async () => {
    const pathsOf = async (url: string): Promise<readonly string[]> =>
      Object.keys(
        (await scene.api.app.inject({ method: 'GET', url })).json<{ paths: Record<string, unknown> }>().paths,
      );
    const [own, other, main] = await Promise.all(
      ['/openapi/singularity.json', '/openapi/entryguard.json', '/openapi.json'].map(pathsOf),
    );
    expect(own?.every((path) => path.startsWith('/api/auth/'))).toBe(true);
    expect(own).toHaveLength(8);
    expect(other?.every((path) => path.startsWith('/api/v1/'))).toBe(true);
    expect(other).toHaveLength(7);
    expect(main?.some((path) => path.startsWith('/api/'))).toBe(false);
  });

  it('a contract that is not on is not there', async () => {
    const api = await scene.startApi({ CONTRACTS: 'v1' });
    for (const url of [cooldown, '/api/v1/users', '/openapi/singularity.json'])
      expect((await api.app.inject({ method: 'GET', url })).statusCode).toBe(404);
  });
});
