import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from '../support/hand-over.ts';
import { type Answer, newEmail, register as registerByV1 } from '../support/requests.ts';
import { countRows, newestMessage } from '../support/rows.ts';
import { keyOfServer, signedAddress } from '../support/signed-address.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import { expectRefusal, verification } from './support/singularity.ts';

const path = '/api/auth/register';
const strong = 'Correct-h0rse';

let scene: DialectScene;
beforeAll(async () => {
  scene = await openDialect('singularity');
});
afterAll(() => scene.close());

const register = (body: object, query = '?send-email=true'): Promise<Answer> =>
  scene.call({
    method: 'POST',
    path,
    url: `${path}${query}`,
    body: { email: newEmail(), password: strong, name: 'Ana', ...body },
  });

describe('POST /api/auth/register', () => {
  it('200 {success}: the account waits, its mail verifies it, and the password counts from then on', async () => {
    const email = newEmail();
    const answer = await register({ email }, '?send-email=true&locale=es');
    expect([answer.statusCode, answer.json()]).toEqual([200, { success: true }]);
    expect(await newestMessage(scene.installation.db)).toMatchObject({ purpose: 'signup', locale: 'es' });
    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    const verified = await scene.call({
      method: 'POST',
      path: verification,
      url: `${verification}?token=${token}`,
    });
    expect(verified.json()).toMatchObject({
      email,
      name: 'Ana',
      emailVerified: true,
      identityProviders: ['PASSWORD'],
    });
  });

  it('200 {success} with the same headers for an address that has an account, which stays as it is', async () => {
    const { email, tenantId } = await registerByV1(scene.api, { name: 'Owner' });
    await scene.installation.db
      .updateTable('accounts')
      .set({ verified_at: new Date(), status: 'active' })
      .where('id', '=', tenantId)
      .execute();
    const api = await scene.startApi({ SINGULARITY_RATE_LIMIT_ADDRESS: '5/60' });
    const ask = (address: string) =>
      scene.call({ method: 'POST', path, body: { email: address, password: strong, name: 'Stranger' } }, api);
    const [known, unknown] = [await ask(email), await ask(newEmail())];
    expect([known.statusCode, known.body]).toEqual([unknown.statusCode, unknown.body]);
    expect(Object.keys(known.headers)).toEqual(Object.keys(unknown.headers));
    const row = await scene.installation.db
      .selectFrom('accounts')
      .select(['name', 'password_hash'])
      .where('id', '=', tenantId)
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ name: 'Owner', password_hash: null });
  });

  it('400 EMAIL_DISPOSABLE for an address of a service for minutes, where these are refused', async () => {
    const api = await scene.startApi({ DISPOSABLE_DOMAINS: 'refuse' });
    const body = { email: 'somebody@mailinator.com', password: strong, name: 'Ana' };
    expectRefusal(await scene.call({ method: 'POST', path, body }, api), 400, 'EMAIL_DISPOSABLE');
  });

  it('400 CLIENT_ADDRESS_INVALID and CLIENT_ADDRESS_STALE for an address that no server vouches for', async () => {
    const api = await scene.startApi({ CLIENT_ADDRESS_KEYS: keyOfServer });
    const ask = (headers: Record<string, string>) =>
      scene.call(
        { method: 'POST', path, headers, body: { email: newEmail(), password: strong, name: 'Ana' } },
        api,
      );
    expectRefusal(
      await ask(signedAddress('203.0.113.7', { key: 'x'.repeat(32) })),
      400,
      'CLIENT_ADDRESS_INVALID',
    );
    expectRefusal(await ask(signedAddress('203.0.113.7', { secondsAgo: 3600 })), 400, 'CLIENT_ADDRESS_STALE');
    expect((await ask(signedAddress('203.0.113.7'))).statusCode).toBe(200);
  });

  it('429 EMAIL_COOLDOWN_ACTIVE the second time', async () => {
    const email = newEmail();
    await register({ email });
    expectRefusal(await register({ email }), 429, 'EMAIL_COOLDOWN_ACTIVE');
  });

  it.each([
    ['INVALID_REQUEST', { email: 'no-at-sign' }],
    ['INVALID_REQUEST', { name: 'two\nlines' }],
    ['INVALID_REQUEST', { name: 7 }],
    ['PASSWORD_TOO_WEAK', { password: 'correct-h0rse' }],
    ['PASSWORD_TOO_WEAK', { password: 'Sh0rt!' }],
  ])('400 %s for %j, and nothing is written', async (code, body) => {
    const before = await countRows(scene.installation.db);
    expectRefusal(await register(body), 400, code);
    expect(await countRows(scene.installation.db)).toEqual(before);
  });

  it('400 for send-email=false: nobody could verify the account', async () => {
    expectRefusal(await register({}, '?send-email=false'), 400, 'INVALID_REQUEST');
  });
});
