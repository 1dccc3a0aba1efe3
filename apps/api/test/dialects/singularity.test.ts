import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from '../support/hand-over.ts';
import { forge } from '../support/access-scene.ts';
import { appOrigin } from '../support/installation.ts';
import { retryAfterSeconds } from '../support/rate-limit-header.ts';
import { newClient, post, resend } from '../support/requests.ts';
import { countRows, newestMessage } from '../support/rows.ts';
import { type DialectScene, openDialect } from './support/dialect-scene.ts';
import { cooldown, expectRefusal, newPending, send, verification } from './support/singularity.ts';
import { withoutColumn } from './support/take-away.ts';

let scene: DialectScene;
beforeAll(async () => {
  scene = await openDialect('singularity');
});
afterAll(() => scene.close());

const sendFor = (token: string, more: object = {}) =>
  scene.call({ method: 'POST', path: send, token, ...more });

describe('POST /api/auth/email/verification/send', () => {
  it('200 {cooldown}: one message to the address of the token, in the locale of the query', async () => {
    const user = await newPending(scene);
    const answer = await sendFor(user.token, { url: `${send}?locale=es` });
    expect([answer.statusCode, answer.json()]).toEqual([200, { cooldown: 60 }]);
    const message = await newestMessage(scene.installation.db);
    expect(message).toMatchObject({ purpose: 'signup', contract: 'singularity', locale: 'es' });
    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    const verified = await post(scene.api, '/v1/verify-email', { token });
    expect(verified.json()).toMatchObject({ email: user.email });
  });

  it('a locale that is none is no refusal: the default language serves', async () => {
    const user = await newPending(scene);
    expect((await sendFor(user.token, { url: `${send}?locale=%00%0d%0aklingon!` })).statusCode).toBe(200);
    expect((await newestMessage(scene.installation.db)).locale).toBeNull();
  });

  it('takes the token of the cookie too, but not from a foreign page', async () => {
    const user = await newPending(scene);
    const cookie = `theme=dark; access_token=${user.token}`;
    const from = (origin: string) => scene.call({ method: 'POST', path: send, headers: { cookie, origin } });
    expectRefusal(await from('https://evil.example'), 401, 'AUTHENTICATION_REQUIRED');
    expectRefusal(await from('null'), 401, 'AUTHENTICATION_REQUIRED');
    expect((await from(appOrigin)).statusCode).toBe(200);
    const without = await scene.call({ method: 'GET', path: cooldown, headers: { cookie } });
    expect(without.json()).toEqual({ remaining: 60 });
  });

  it('304 EMAIL_ALREADY_VERIFIED without a body, the code in X-Error-Code; nothing is charged', async () => {
    const user = await scene.access.createAccount();
    const token = await scene.tokenFor(user.id);
    expectRefusal(await sendFor(token), 304, 'EMAIL_ALREADY_VERIFIED');
    expect((await scene.call({ method: 'GET', path: cooldown, token })).json()).toEqual({ remaining: 0 });
  });

  it('409 EMAIL_ALREADY_VERIFIED with a body by SINGULARITY_ALREADY_VERIFIED=409', async () => {
    const api = await scene.startApi({ SINGULARITY_ALREADY_VERIFIED: '409' });
    const user = await scene.access.createAccount();
    const answer = await scene.call(
      { method: 'POST', path: send, token: await scene.tokenFor(user.id) },
      api,
    );
    expectRefusal(answer, 409, 'EMAIL_ALREADY_VERIFIED');
  });

  it('401 AUTHENTICATION_REQUIRED without a token', async () => {
    expectRefusal(await scene.call({ method: 'POST', path: send }), 401, 'AUTHENTICATION_REQUIRED');
  });

  it('401 ACCESS_TOKEN_INVALID for what is no token of ours, and for one whose session has ended', async () => {
    const user = await newPending(scene);
    const identity = await scene.access.sessions.authenticate(user.token);
    if (identity.kind !== 'authenticated') throw new Error(identity.kind);
    const forged = await forge(scene.access, identity.identity, { claims: { aud: 'somebody else' } });
    for (const token of ['x', 'a.b.c', forged])
      expectRefusal(await sendFor(token), 401, 'ACCESS_TOKEN_INVALID');
    const basic = { authorization: `Basic ${user.token}` };
    expectRefusal(
      await scene.call({ method: 'POST', path: send, headers: basic }),
      401,
      'ACCESS_TOKEN_INVALID',
    );
    await scene.access.sessions.end(identity.identity, 'this');
    expectRefusal(await sendFor(user.token), 401, 'ACCESS_TOKEN_INVALID');
  });

  it('401 ACCESS_TOKEN_EXPIRED for a token past its time', async () => {
    const user = await newPending(scene);
    const found = await scene.access.sessions.authenticate(user.token);
    if (found.kind !== 'authenticated') throw new Error(found.kind);
    const past = Math.floor(Date.now() / 1000) - 3600;
    const token = await forge(scene.access, found.identity, { claims: { iat: past, exp: past + 900 } });
    expectRefusal(await sendFor(token), 401, 'ACCESS_TOKEN_EXPIRED');
  });

  it('404 USER_NOT_FOUND when the account behind the token is gone', async () => {
    const user = await newPending(scene);
    await scene.installation.db.deleteFrom('accounts').where('id', '=', user.id).execute();
    expectRefusal(await sendFor(user.token), 404, 'USER_NOT_FOUND');
  });

  it('429 EMAIL_COOLDOWN_ACTIVE with Retry-After, however many ask at once: one message', async () => {
    const user = await newPending(scene);
    const before = await countRows(scene.installation.db);
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendFor(user.token)));
    const refused = answers.filter(({ statusCode }) => statusCode !== 200);
    expect(refused).toHaveLength(19);
    for (const answer of refused) {
      expectRefusal(answer, 429, 'EMAIL_COOLDOWN_ACTIVE');
      expect(retryAfterSeconds(answer)).toBeLessThanOrEqual(60);
    }
    const after = await countRows(scene.installation.db);
    expect(Number(after['messages']) - Number(before['messages'])).toBe(1);
  });

  it('429 RATE_LIMIT_EXCEEDED past the generous limit of the client, which charges no address', async () => {
    const api = await scene.startApi({ SINGULARITY_RATE_LIMIT_IP: '1/60' });
    const [first, second, from] = [await newPending(scene), await newPending(scene), newClient()];
    expect((await scene.call({ method: 'POST', path: send, token: first.token, from }, api)).statusCode).toBe(
      200,
    );
    const answer = await scene.call({ method: 'POST', path: send, token: second.token, from }, api);
    expectRefusal(answer, 429, 'RATE_LIMIT_EXCEEDED');
    retryAfterSeconds(answer);
    expect((await sendFor(second.token)).statusCode).toBe(200);
  });

  it('500 ACCESS_TOKEN_ALLOWLIST_READING_FAILURE when sessions cannot be read', async () => {
    const user = await newPending(scene);
    const answer = await withoutColumn(scene.installation.db, 'sessions.ended_at', () => sendFor(user.token));
    expectRefusal(answer, 500, 'ACCESS_TOKEN_ALLOWLIST_READING_FAILURE');
  });

  it('500 DATABASE_FAILURE when the message cannot be written; nobody is charged', async () => {
    const user = await newPending(scene);
    const answer = await withoutColumn(scene.installation.db, 'messages.redirect_url', () =>
      sendFor(user.token),
    );
    expectRefusal(answer, 500, 'DATABASE_FAILURE');
    retryAfterSeconds(answer);
    expect((await sendFor(user.token)).statusCode).toBe(200);
  });

  it('500 EMAIL_COOLDOWN_CACHE_FAILURE when the limits cannot be counted, for send and cooldown', async () => {
    const api = await scene.startApi({ QUEUE_BACKEND: 'postgres' });
    const user = await newPending(scene);
    await withoutColumn(scene.installation.db, 'limit_charges.charged_at', async () => {
      for (const [method, path] of [
        ['POST', send],
        ['GET', cooldown],
      ] as const)
        expectRefusal(
          await scene.call({ method, path, token: user.token }, api),
          500,
          'EMAIL_COOLDOWN_CACHE_FAILURE',
        );
    });
    expect((await scene.call({ method: 'POST', path: send, token: user.token }, api)).statusCode).toBe(200);
  });

  it('503 EMAIL_DISABLED before a limit is charged', async () => {
    const api = await scene.startApi({ EMAIL_PROVIDER: 'none' });
    const user = await newPending(scene);
    const off = () => scene.call({ method: 'POST', path: send, token: user.token }, api);
    for (let count = 0; count < 3; count += 1) expectRefusal(await off(), 503, 'EMAIL_DISABLED');
    expect((await sendFor(user.token)).statusCode).toBe(200);
  });
});

describe('where the link of the mail leads', () => {
  it('to SINGULARITY_VERIFICATION_URL and SINGULARITY_PASSWORD_RESET_URL, whatever the request says', async () => {
    const [verifyUrl, resetUrl] = [`${appOrigin}/verify`, `${appOrigin}/reset`];
    const api = await scene.startApi({
      SINGULARITY_VERIFICATION_URL: verifyUrl,
      SINGULARITY_PASSWORD_RESET_URL: resetUrl,
    });
    const user = await newPending(scene);
    const elsewhere = `?redirect_to=${encodeURIComponent(`${appOrigin}/elsewhere`)}`;
    await scene.call({ method: 'POST', path: send, url: send + elsewhere, token: user.token }, api);
    expect((await newestMessage(scene.installation.db)).redirect_url).toBe(verifyUrl);
    const path = '/api/auth/password/reset-request';
    await scene.call({ method: 'POST', path, url: path + elsewhere, body: { email: user.email } }, api);
    expect((await newestMessage(scene.installation.db)).redirect_url).toBe(resetUrl);
  });
});

it('404 NOT_FOUND below /api/auth, in the envelope of the contract', async () => {
  const answer = await scene.api.app.inject({ method: 'GET', url: '/api/auth/nothing?token=x' });
  expectRefusal(answer, 404, 'NOT_FOUND');
});

describe('GET /api/auth/email/verification/cooldown', () => {
  it('200 {remaining}: 0 before, the rest of the cooldown after, and counts nothing', async () => {
    const { token } = await newPending(scene);
    const read = async () => (await scene.call({ method: 'GET', path: cooldown, token })).json<unknown>();
    expect([await read(), await read()]).toEqual([{ remaining: 0 }, { remaining: 0 }]);
    await sendFor(token);
    const { remaining } = (await read()) as { remaining: number };
    expect(remaining).toBeGreaterThan(50);
    expect(remaining).toBeLessThanOrEqual(60);
  });

  it('401 without a token, 500 when sessions cannot be read', async () => {
    expectRefusal(await scene.call({ method: 'GET', path: cooldown }), 401, 'AUTHENTICATION_REQUIRED');
    const { token } = await newPending(scene);
    const answer = await withoutColumn(scene.installation.db, 'sessions.ended_at', () =>
      scene.call({ method: 'GET', path: cooldown, token }),
    );
    expectRefusal(answer, 500, 'ACCESS_TOKEN_ALLOWLIST_READING_FAILURE');
  });
});

describe('used in turn with v1 on one account', () => {
  it('the cooldown that one started holds in the other, and a token of one verifies in the other', async () => {
    const user = await scene.newUser();
    expectRefusal(await sendFor(user.token), 429, 'EMAIL_COOLDOWN_ACTIVE');
    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    const answer = await scene.call({
      method: 'POST',
      path: verification,
      url: `${verification}?token=${token}`,
    });
    expect(answer.json()).toMatchObject({ id: user.tenantId, email: user.email, emailVerified: true });
    expect((await resend(scene.api, user.email)).statusCode).toBe(409);
    expectRefusal(await sendFor(user.token), 304, 'EMAIL_ALREADY_VERIFIED');
  });

  it('a resend by v1 ends the token that was sent here', async () => {
    const api = await scene.startApi({ RATE_LIMIT_ADDRESS: 'off', SINGULARITY_RATE_LIMIT_ADDRESS: 'off' });
    const user = await newPending(scene);
    await scene.call({ method: 'POST', path: send, token: user.token }, api);
    const { token } = await handOverNewest(scene.installation.db, scene.api.config);
    expect((await resend(api, user.email)).statusCode).toBe(200);
    const answer = await scene.call({
      method: 'POST',
      path: verification,
      url: `${verification}?token=${token}`,
    });
    expectRefusal(answer, 401, 'EMAIL_VERIFICATION_TOKEN_INVALID');
  });
});
