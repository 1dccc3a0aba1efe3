import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Authentication } from '../src/sessions/sessions.ts';
import { type AccessScene, type Forgery, forge, newSessionKey, openAccess } from './support/access-scene.ts';
import { type Installation, openInstallation, publicUrl } from './support/installation.ts';
import { get } from './support/requests.ts';

let installation: Installation;
let scene: AccessScene;
beforeAll(async () => {
  installation = await openInstallation();
  scene = await openAccess(installation);
});
afterAll(() => installation.close());

const kindOf = async (token: string): Promise<Authentication['kind']> =>
  (await scene.sessions.authenticate(token)).kind;

const openFor = async () => {
  const account = await scene.createAccount();
  return { account, session: await scene.sessions.open(account) };
};

describe('an access token', () => {
  it('tells who it is of and for whom, for as long as it is said to', async () => {
    const { account, session } = await openFor();
    const token = session.accessToken.reveal();
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', kid: 'test-1', typ: 'at+jwt' });
    const claims = decodeJwt(token);
    expect(claims).toEqual({
      iss: publicUrl,
      aud: publicUrl,
      sub: account.id,
      org: account.organizationId,
      sid: session.sessionId,
      role: 'member',
      email: account.email,
      email_verified: true,
      iat: expect.any(Number) as number,
      exp: expect.any(Number) as number,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(900);
    expect([session.expiresInSeconds, session.expiresAt.getTime()]).toEqual([900, (claims.exp ?? 0) * 1000]);
  });

  it('authenticates its account, as an admin when the account is one now', async () => {
    const { account, session } = await openFor();
    const identity = {
      accountId: account.id,
      organizationId: account.organizationId,
      sessionId: session.sessionId,
      isAdmin: false,
      issuer: 'own',
    };
    expect(await scene.identityOf(session)).toEqual(identity);
    await scene.db.updateTable('accounts').set({ is_admin: true }).where('id', '=', account.id).execute();
    expect(await scene.identityOf(session)).toEqual({ ...identity, isAdmin: true });
  });

  it('says of an address that nobody has proved that it is not verified', async () => {
    const session = await scene.sessions.open(await scene.createAccount({ status: 'pending' }));
    expect(decodeJwt(session.accessToken.reveal())).toMatchObject({ email_verified: false });
  });

  it('verifies with nothing but what /.well-known/jwks.json publishes', async () => {
    const SESSION_KEYS = newSessionKey('published', 'p256');
    const api = await installation.startApi({ SESSION_KEYS });
    const answer = await get(api, '/.well-known/jwks.json');
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([
      200,
      expect.stringContaining('max-age=300') as string,
    ]);
    expect(String(answer.headers['content-type'])).toContain('application/json');
    const set = answer.json<JSONWebKeySet>();
    expect(set.keys.map((key) => Object.keys(key).toSorted())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ]);
    const other = await openAccess(installation, { SESSION_KEYS });
    const session = await other.sessions.open(await other.createAccount());
    const verified = await jwtVerify(session.accessToken.reveal(), createLocalJWKSet(set), {
      issuer: publicUrl,
      audience: publicUrl,
      algorithms: ['ES256'],
      typ: 'at+jwt',
    });
    expect(verified.payload.sid).toBe(session.sessionId);
  });

  it('is not to be had without SESSION_KEYS, and neither are keys', async () => {
    const api = await installation.startApi();
    expect((await get(api, '/.well-known/jwks.json')).statusCode).toBe(404);
  });
});

describe('a token that is not one of ours', () => {
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const now = Math.floor(Date.now() / 1000);
  const cases: readonly (readonly [string, Forgery, Authentication['kind']])[] = [
    ['like ours in everything', {}, 'authenticated'],
    ['signed by somebody else under our kid', { key: stranger }, 'malformed'],
    ['signed under a kid that we do not have', { header: { kid: 'test-2' } }, 'malformed'],
    ['signed under no kid', { header: { kid: undefined } }, 'malformed'],
    ['of another type', { header: { typ: 'JWT' } }, 'malformed'],
    ['of no type', { header: { typ: undefined } }, 'malformed'],
    ['for another audience', { claims: { aud: 'https://other.example' } }, 'malformed'],
    ['for no audience', { claims: { aud: undefined } }, 'malformed'],
    ['of another issuer', { claims: { iss: 'https://other.example' } }, 'malformed'],
    ['of no issuer', { claims: { iss: undefined } }, 'malformed'],
    ['without an end', { claims: { exp: undefined } }, 'malformed'],
    ['without a beginning', { claims: { iat: undefined } }, 'malformed'],
    ['without an account', { claims: { sub: undefined } }, 'malformed'],
    ['without a session', { claims: { sid: undefined } }, 'malformed'],
    ['with an account that is no id', { claims: { sub: "' OR true" } }, 'malformed'],
    ['that ended a minute ago', { claims: { iat: now - 960, exp: now - 60 } }, 'expired'],
    ['that ended within the tolerance', { claims: { iat: now - 910, exp: now - 10 } }, 'authenticated'],
    ['not valid before another minute', { claims: { nbf: now + 90 } }, 'malformed'],
    ['that ended, and is for another audience', { claims: { exp: now - 60, aud: 'x' } }, 'malformed'],
  ];
  it.each(cases)('%s', async (_, forgery, kind) => {
    const { session } = await openFor();
    const identity = await scene.identityOf(session);
    expect(await kindOf(await forge(scene, identity, forgery))).toBe(kind);
  });

  it('without a signature, or with the public key as a shared secret, is refused', async () => {
    const { session } = await openFor();
    const [, payload = '', signature = ''] = session.accessToken.reveal().split('.');
    const encode = (header: object): string => Buffer.from(JSON.stringify(header)).toString('base64url');
    const none = `${encode({ alg: 'none', kid: 'test-1', typ: 'at+jwt' })}.${payload}`;
    const hmacInput = `${encode({ alg: 'HS256', kid: 'test-1', typ: 'at+jwt' })}.${payload}`;
    const publicKey = createPublicKey(scene.signingKey.privateKey);
    const secrets = [
      publicKey.export({ format: 'pem', type: 'spki' }),
      publicKey.export({ format: 'der', type: 'spki' }),
      Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
    ];
    const forged = [
      `${none}.`,
      `${none}.${signature}`,
      ...secrets.map(
        (secret) => `${hmacInput}.${createHmac('sha256', secret).update(hmacInput).digest('base64url')}`,
      ),
    ];
    expect(await Promise.all(forged.map(kindOf))).toEqual(forged.map(() => 'malformed'));
  });

  it('with a key of its own in its header is refused', async () => {
    const { session } = await openFor();
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const header = { jwk: publicKey.export({ format: 'jwk' }), kid: 'mine' };
    expect(
      await kindOf(await forge(scene, await scene.identityOf(session), { header, key: privateKey })),
    ).toBe('malformed');
  });

  it.each([
    ['', 'missing'],
    ['nothing', 'malformed'],
    ['a.b.c', 'malformed'],
    [`${'a'.repeat(9000)}.b.c`, 'malformed'],
  ] as const)('%#: %s', async (token, kind) => {
    expect(await kindOf(token)).toBe(kind);
  });

  it('that names a session of another account is of no session', async () => {
    const [one, other] = [await openFor(), await openFor()];
    const token = await forge(scene, {
      ...(await scene.identityOf(one.session)),
      sessionId: other.session.sessionId,
    });
    expect(await kindOf(token)).toBe('ended');
  });
});

describe('an access token that is still in its time', () => {
  it.each([
    ['this', ['ended', 'authenticated']],
    ['others', ['authenticated', 'ended']],
    ['all', ['ended', 'ended']],
  ] as const)('is refused at once when %s was signed out', async (which, kinds) => {
    const { account, session } = await openFor();
    const other = await scene.sessions.open(account);
    await scene.sessions.end(await scene.identityOf(session), which);
    expect([await kindOf(session.accessToken.reveal()), await kindOf(other.accessToken.reveal())]).toEqual(
      kinds,
    );
  });

  it('is refused while its account is suspended, and for ever when it is deleted', async () => {
    const { account, session } = await openFor();
    const setStatus = (status: 'suspended' | 'active') =>
      scene.db.updateTable('accounts').set({ status }).where('id', '=', account.id).execute();
    await setStatus('suspended');
    expect(await kindOf(session.accessToken.reveal())).toBe('suspended');
    await setStatus('active');
    expect(await kindOf(session.accessToken.reveal())).toBe('authenticated');
    await scene.db.deleteFrom('accounts').where('id', '=', account.id).execute();
    expect(await kindOf(session.accessToken.reveal())).toBe('unknown_account');
  });

  it('is not opened for a suspended account', async () => {
    const account = await scene.createAccount({ status: 'suspended' });
    await expect(scene.sessions.open(account)).rejects.toThrow('suspended or gone');
  });

  it('shares its one statement with others that arrive together', async () => {
    const sessions = await Promise.all(Array.from({ length: 50 }, async () => (await openFor()).session));
    const before = scene.statements();
    const kinds = await Promise.all(sessions.map((session) => kindOf(session.accessToken.reveal())));
    expect(new Set(kinds)).toEqual(new Set(['authenticated']));
    // Signatures are checked in threads, and the first to be done does not wait for the last.
    expect(scene.statements() - before).toBeLessThan(25);
  });
});

describe('a refresh token', () => {
  const letGracePass = (sessionId: string) =>
    scene.db
      .updateTable('refresh_tokens')
      .set({ used_at: new Date(Date.now() - 11_000) })
      .where('session_id', '=', sessionId)
      .where('used_at', 'is not', null)
      .execute();
  const refresh = async (token: string) => {
    const outcome = await scene.sessions.refresh(token);
    if (outcome.kind !== 'refreshed') throw new Error(`not refreshed: ${outcome.kind}`);
    return outcome;
  };

  it('gives new tokens of the same session, and tells of whom', async () => {
    const { account, session } = await openFor();
    const next = await refresh(session.refreshToken.reveal());
    expect(next).toMatchObject({ accountId: account.id, session: { sessionId: session.sessionId } });
    expect(next.session.refreshToken.reveal()).not.toBe(session.refreshToken.reveal());
    expect(await scene.identityOf(next.session)).toEqual(await scene.identityOf(session));
    expect((await refresh(next.session.refreshToken.reveal())).session.sessionId).toBe(session.sessionId);
  });

  it('whose answer was lost gives the same successor again', async () => {
    const { session } = await openFor();
    const [first, second] = [
      await refresh(session.refreshToken.reveal()),
      await refresh(session.refreshToken.reveal()),
    ];
    expect(second.session.refreshToken.reveal()).toBe(first.session.refreshToken.reveal());
  });

  it('of 100 parallel refreshes makes one rotation, and the session goes on', async () => {
    const { session } = await openFor();
    const all = await Promise.all(Array.from({ length: 100 }, () => refresh(session.refreshToken.reveal())));
    const successors = new Set(all.map((one) => one.session.refreshToken.reveal()));
    expect(successors.size).toBe(1);
    const [successor = ''] = successors;
    expect((await refresh(successor)).session.sessionId).toBe(session.sessionId);
  });

  it('shown again later ends the session: its access tokens too, at once; an operator can see it', async () => {
    const { session } = await openFor();
    const next = await refresh(session.refreshToken.reveal());
    await letGracePass(session.sessionId);
    expect(await scene.sessions.refresh(session.refreshToken.reveal())).toEqual({ kind: 'reused' });
    expect(await scene.sessions.refresh(next.session.refreshToken.reveal())).toEqual({ kind: 'ended' });
    expect(await kindOf(next.session.accessToken.reveal())).toBe('ended');
    expect(scene.logged()).toContain(`"sessionId":"${session.sessionId}"`);
    expect(await scene.metricText()).toMatch(/reconfirm_session_refreshes_total\{outcome="reused"\} 1/);
  });

  it.each(['', 'rt_', 'nothing', `rt_${'a'.repeat(42)}`, `rt_${'a'.repeat(43)}`])(
    '%j that we never gave is unknown',
    async (token) => {
      expect(await scene.sessions.refresh(token)).toEqual({ kind: 'unknown' });
    },
  );

  it('does not work as an access token, nor the other way round', async () => {
    const { session } = await openFor();
    expect(await kindOf(session.refreshToken.reveal())).toBe('malformed');
    expect(await scene.sessions.refresh(session.accessToken.reveal())).toEqual({ kind: 'unknown' });
  });
});

describe('rotating SESSION_KEYS', () => {
  const [old, fresh] = [newSessionKey('old'), newSessionKey('new', 'p256')];
  const kidsOf = (access: AccessScene) => access.sessions.jwks().keys.map((key) => key['kid']);

  it('publishes before it signs, keeps old tokens until the old key is dropped, and mixes kinds', async () => {
    const before = await openAccess(installation, { SESSION_KEYS: old });
    const published = await openAccess(installation, { SESSION_KEYS: `${fresh},${old}` });
    const signing = await openAccess(installation, { SESSION_KEYS: `${old},${fresh}` });
    const after = await openAccess(installation, { SESSION_KEYS: fresh });
    expect([kidsOf(before), kidsOf(published), kidsOf(after)]).toEqual([['old'], ['new', 'old'], ['new']]);

    const account = await before.createAccount();
    const [byOld, byNew] = [await published.sessions.open(account), await signing.sessions.open(account)];
    expect(decodeProtectedHeader(byOld.accessToken.reveal())).toMatchObject({ kid: 'old', alg: 'EdDSA' });
    expect(decodeProtectedHeader(byNew.accessToken.reveal())).toMatchObject({ kid: 'new', alg: 'ES256' });
    const kinds = async (access: AccessScene) => [
      (await access.sessions.authenticate(byOld.accessToken.reveal())).kind,
      (await access.sessions.authenticate(byNew.accessToken.reveal())).kind,
    ];
    expect(await kinds(published)).toEqual(['authenticated', 'authenticated']);
    expect(await kinds(signing)).toEqual(['authenticated', 'authenticated']);
    expect(await kinds(after)).toEqual(['malformed', 'authenticated']);
    // The session itself outlives every key.
    expect((await after.sessions.refresh(byOld.refreshToken.reveal())).kind).toBe('refreshed');
  });
});
