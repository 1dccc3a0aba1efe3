import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { errors, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '@reconfirm/core/app-error';
import { createForeignKeys } from '../src/sessions/foreign-keys.ts';
import type { Authentication } from '../src/sessions/sessions.ts';
import { type AccessScene, openAccess, type SceneAccount } from './support/access-scene.ts';
import { type Installation, openInstallation } from './support/installation.ts';
import { audience, type Issuer, startIssuer } from './support/issuer.ts';
import { closedPort, startSilentServer } from './support/unreachable.ts';

let installation: Installation;
let issuer: Issuer;
let scene: AccessScene;
let account: SceneAccount;
const issuersOf = (one: Pick<Issuer, 'issuer' | 'jwksUrl'>, more = ''): string =>
  `${one.issuer}|${one.jwksUrl}|${audience}|ES256${more}`;

beforeAll(async () => {
  installation = await openInstallation();
  issuer = await startIssuer();
  scene = await openAccess(installation, { FOREIGN_ISSUERS: issuersOf(issuer) });
  account = await scene.createAccount();
});
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
  await installation.close();
});

const kindOf = async (token: string, access = scene): Promise<Authentication['kind']> =>
  (await access.sessions.authenticate(token)).kind;

describe('a foreign issuer’s token', () => {
  it('speaks for the account whose id is its subject, without a session of ours', async () => {
    const found = await scene.sessions.authenticate(await issuer.sign({ sub: account.id }));
    expect(found).toEqual({
      kind: 'authenticated',
      identity: {
        accountId: account.id,
        organizationId: account.organizationId,
        sessionId: null,
        isAdmin: false,
        issuer: issuer.issuer,
      },
    });
  });

  it('speaks for the account with its address when its subject is a stranger here', async () => {
    for (const sub of ['auth0|42', randomUUID(), undefined]) {
      const found = await scene.sessions.authenticate(
        await issuer.sign({ sub, email: account.email.toUpperCase().replace('EXAMPLE', 'example') }),
      );
      expect(found).toMatchObject({ kind: 'authenticated', identity: { accountId: account.id } });
    }
  });

  it('does not speak for an address that its issuer calls unverified, nor for one that nobody has', async () => {
    const kinds = await Promise.all(
      [
        { email: account.email, email_verified: false },
        { email: account.email, email_verified: 'false' },
        { email: 'nobody@example.org' },
        { email: 42 },
        { email: `${account.email}, other@example.org` },
        { sub: randomUUID() },
        {},
      ].map(async (claims) => kindOf(await issuer.sign(claims))),
    );
    expect(new Set(kinds)).toEqual(new Set(['unknown_account']));
  });

  it('does not speak for a suspended account', async () => {
    const suspended = await scene.createAccount({ status: 'suspended' });
    expect(await kindOf(await issuer.sign({ sub: suspended.id }))).toBe('suspended');
  });

  it('does not speak for an account of another organization than the configured one', async () => {
    const elsewhere = await openAccess(installation, {
      FOREIGN_ISSUERS: issuersOf(issuer, `|${randomUUID()}`),
    });
    expect(await kindOf(await issuer.sign({ sub: account.id }), elsewhere)).toBe('unknown_account');
  });

  const now = Math.floor(Date.now() / 1000);
  it.each([
    ['for another audience', { aud: 'other' }, {}, 'malformed'],
    ['of an issuer that is not configured', { iss: 'https://other.example' }, {}, 'malformed'],
    ['that ended', { iat: now - 700, exp: now - 100 }, {}, 'expired'],
    ['without an end', { exp: undefined }, {}, 'malformed'],
    ['without a beginning', { iat: undefined }, {}, 'malformed'],
    ['that lasts longer than allowed', { exp: now + 3700 }, {}, 'malformed'],
    ['from the future', { iat: now + 120, exp: now + 180 }, {}, 'malformed'],
    ['that is a logout token', {}, { typ: 'logout+jwt' }, 'malformed'],
    ['that is called JWT', {}, { typ: 'JWT' }, 'authenticated'],
    ['that is called at+jwt', {}, { typ: 'application/at+jwt' }, 'authenticated'],
    ['under a kid that the issuer does not publish', {}, { kid: 'key-99' }, 'malformed'],
  ] as const)('%s', async (_, claims, header, kind) => {
    expect(await kindOf(await issuer.sign({ sub: account.id, ...claims }, header))).toBe(kind);
  });

  it('with a shared secret, an algorithm that is not allowed, or none is refused', async () => {
    const payload = { iss: issuer.issuer, aud: audience, sub: account.id, iat: now, exp: now + 600 };
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
    const none = `${encode({ alg: 'none', kid: 'key-1' })}.${encode(payload)}.`;
    const input = `${encode({ alg: 'HS256', kid: 'key-1' })}.${encode(payload)}`;
    const mac = createHmac('sha256', 'key-1').update(input).digest('base64url');
    const eddsa = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'EdDSA', kid: 'key-1' })
      .sign(generateKeyPairSync('ed25519').privateKey);
    expect(await Promise.all([none, `${input}.${mac}`, eddsa].map((token) => kindOf(token)))).toEqual([
      'malformed',
      'malformed',
      'malformed',
    ]);
  });

  it('with an algorithm that the issuer may use elsewhere, but not here, is refused', async () => {
    const strict = await openAccess(installation, {
      FOREIGN_ISSUERS: issuersOf(issuer).replace('ES256', 'RS256 EdDSA'),
    });
    expect(await kindOf(await issuer.sign({ sub: account.id }), strict)).toBe('malformed');
  });

  it('that brings its own key, or says where to fetch one, is refused, and nothing is fetched there', async () => {
    await using attacker = await startIssuer();
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const claims = { iss: issuer.issuer, aud: audience, sub: account.id, iat: now, exp: now + 600 };
    const tokens = [
      await attacker.sign({ ...claims }, { jku: attacker.jwksUrl, kid: 'key-1' }),
      await attacker.sign({ ...claims }, { x5u: attacker.jwksUrl }),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: 'key-1', jwk: publicKey.export({ format: 'jwk' }) })
        .sign(privateKey),
    ];
    for (const token of tokens) expect(await kindOf(token)).toBe('malformed');
    expect(attacker.fetches()).toBe(0);
  });

  it('signs nobody out: there is no session of ours in it', async () => {
    const session = await scene.sessions.open(account);
    const found = await scene.sessions.authenticate(await issuer.sign({ sub: account.id }));
    if (found.kind !== 'authenticated') throw new Error(found.kind);
    await scene.sessions.end(found.identity, 'this');
    expect(await kindOf(session.accessToken.reveal())).toBe('authenticated');
    await scene.sessions.end(found.identity, 'others');
    expect(await kindOf(session.accessToken.reveal())).toBe('ended');
  });
});

describe('the keys of a foreign issuer', () => {
  /** A key finder with a clock of its own, and a token to find the key of. */
  const openKeys = (url: string) => {
    let nowMs = 1_000_000;
    const told: boolean[] = [];
    const find = createForeignKeys({
      url,
      nowMs: () => nowMs,
      onFetch: ({ working }) => void told.push(working),
    });
    return {
      told,
      letPass: (ms: number): void => {
        nowMs += ms;
      },
      find: async (kid: string): Promise<'found' | 'not found' | 'unavailable'> => {
        try {
          await find({ alg: 'ES256', kid }, { payload: '', signature: '' });
          return 'found';
        } catch (error) {
          if (error instanceof errors.JWKSNoMatchingKey) return 'not found';
          if (error instanceof AppError && error.code === 'issuer_unavailable') return 'unavailable';
          throw error;
        }
      },
    };
  };

  it('are fetched once for any number of callers', async () => {
    await using own = await startIssuer();
    const keys = openKeys(own.jwksUrl);
    const found = await Promise.all(Array.from({ length: 50 }, () => keys.find('key-1')));
    expect([new Set(found), own.fetches()]).toEqual([new Set(['found']), 1]);
  });

  it('are fetched again for a new one, but however many unknown ones come, once in 30 seconds', async () => {
    await using own = await startIssuer();
    const keys = openKeys(own.jwksUrl);
    await keys.find('key-1');
    own.rotate();
    for (let count = 0; count < 20; count += 1) expect(await keys.find(`key-x${count}`)).toBe('not found');
    expect([await keys.find('key-2'), own.fetches()]).toEqual(['not found', 1]);
    keys.letPass(30_000);
    expect([await keys.find('key-2'), await keys.find('key-1'), own.fetches()]).toEqual([
      'found',
      'not found',
      2,
    ]);
  });

  it('that were taken out of the set stop counting after ten minutes', async () => {
    await using own = await startIssuer();
    const keys = openKeys(own.jwksUrl);
    await keys.find('key-1');
    own.rotate();
    keys.letPass(599_000);
    expect(await keys.find('key-1')).toBe('found');
    keys.letPass(1000);
    expect(await keys.find('key-1')).toBe('not found');
  });

  it('are remembered for a day while the server is away, and asked for once in 30 seconds', async () => {
    await using own = await startIssuer();
    const keys = openKeys(own.jwksUrl);
    await keys.find('key-1');
    own.setAway(true);
    keys.letPass(3_600_000);
    expect([await keys.find('key-1'), await keys.find('key-1'), own.fetches()]).toEqual([
      'found',
      'found',
      2,
    ]);
    keys.letPass(30_000);
    expect([await keys.find('key-1'), own.fetches(), keys.told]).toEqual(['found', 3, [true, false, false]]);
    keys.letPass(86_400_000);
    expect(await keys.find('key-1')).toBe('unavailable');
    own.setAway(false);
    keys.letPass(30_000);
    expect(await keys.find('key-1')).toBe('found');
  });

  it('that were never to be had make a fault that may pass, not a wrong token', async () => {
    const keys = openKeys(`http://127.0.0.1:${await closedPort()}/jwks.json`);
    expect([await keys.find('key-1'), await keys.find('key-1')]).toEqual(['unavailable', 'unavailable']);
    expect(keys.told).toEqual([false]);
  });

  it('are waited for no longer than three seconds', async () => {
    await using silent = await startSilentServer();
    const keys = openKeys(`http://127.0.0.1:${silent.port}/jwks.json`);
    const startedMs = performance.now();
    expect(await keys.find('key-1')).toBe('unavailable');
    expect(performance.now() - startedMs).toBeLessThan(4500);
  });

  it('are found by an API whose issuer rotated: new tokens work without a restart', async () => {
    await using own = await startIssuer();
    const access = await openAccess(installation, { FOREIGN_ISSUERS: issuersOf(own) });
    own.rotate();
    expect(await kindOf(await own.sign({ sub: account.id }), access)).toBe('authenticated');
  });

  it('that cannot be had make authenticate reject with a fault that callers are told as 503', async () => {
    const port = await closedPort();
    const away = { issuer: 'https://away.example', jwksUrl: `http://127.0.0.1:${port}/jwks.json` };
    const access = await openAccess(installation, { FOREIGN_ISSUERS: issuersOf(away) });
    const token = await issuer.sign({ iss: away.issuer, sub: account.id });
    await expect(access.sessions.authenticate(token)).rejects.toMatchObject({
      code: 'issuer_unavailable',
      retryAfterSeconds: expect.any(Number) as number,
    });
    expect(access.logged()).toContain('issuer.keys_unavailable');
  });
});
