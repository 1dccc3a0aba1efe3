import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InjectOptions } from 'fastify';
import { adminKey, appOrigin } from '../support/installation.ts';
import { postReport, report, sign } from '../support/mailgun.ts';
import type { OpenApi } from '../support/openapi.ts';
import { type Answer, get, newClient, newEmail, register, resend } from '../support/requests.ts';
import { type AllContracts, openAllContracts } from './support/all-contracts.ts';

const documents = ['v1', 'gotrue', 'singularity', 'entryguard'];
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
type Method = (typeof methods)[number];

let scene: AllContracts;
beforeAll(async () => {
  scene = await openAllContracts();
});
afterAll(() => scene.close());

const send = (options: InjectOptions): Promise<Answer> =>
  scene.api.app.inject({ remoteAddress: newClient(), ...options });

/** Every method and path of every contract's document, its parameters filled in with something. */
const everyRoute = async (): Promise<readonly (readonly [Method, string])[]> => {
  const read = documents.map(async (name) => (await get(scene.api, `/openapi/${name}.json`)).json<OpenApi>());
  return (await Promise.all(read)).flatMap(({ paths }) =>
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map(
        (method) => [method.toUpperCase() as Method, path.replaceAll(/\{\w+\}/g, 'x')] as const,
      ),
    ),
  );
};

const headersOf = ({ headers, statusCode }: Answer) => ({
  status: statusCode,
  cache: headers['cache-control'],
  type: headers['x-content-type-options'],
});

const guarded = { cache: 'no-store', type: 'nosniff' };

describe('whatever is answered', () => {
  it(
    'by any route of any contract, nobody keeps it or takes it for another type',
    { timeout: 120_000 },
    async () => {
      // Public keys are told below; an examination of the sender takes seconds and asks name servers.
      const others = ['/.well-known/jwks.json', '/v1/admin/doctor'];
      const routes = (await everyRoute()).filter(([, path]) => !others.includes(path));
      expect(routes.length).toBeGreaterThan(80);
      for (const [method, url] of routes) {
        for (const authorization of ['', `Bearer ${adminKey}`]) {
          const answer = await send({ method, url, headers: { authorization } });
          expect({ method, url, ...headersOf(answer) }).toMatchObject({ method, url, ...guarded });
        }
      }
    },
  );

  const strange: readonly (readonly [string, () => Promise<Answer>])[] = [
    ['an accepted request', () => resend(scene.api, newEmail())],
    ['a path that is not there', () => send({ method: 'GET', url: '/nothing' })],
    ['a path that cannot be read', () => send({ method: 'GET', url: '/v1/%zz' })],
    ['a body that is no JSON', () => send({ method: 'POST', url: '/v1/register', payload: '{' })],
    ['a body that is too large', () => resend(scene.api, 'x'.repeat(20_000))],
    [
      'a forged client address',
      () => resend(scene.api, newEmail(), { headers: { 'reconfirm-client-address': 'x' } }),
    ],
    ['a webhook that counts', () => postReport(scene.api, report('delivered', crypto.randomUUID()))],
    [
      'a forged webhook',
      () => postReport(scene.api, report('delivered', crypto.randomUUID()), sign({ key: 'wrong' })),
    ],
    ['the metrics', () => get(scene.api, '/metrics')],
    ['the reference', () => get(scene.api, '/docs/')],
    ['a page', () => get(scene.api, `/v1/verify-email?token=${'a'.repeat(64)}`)],
    [
      'a preflight',
      () =>
        send({
          method: 'OPTIONS',
          url: '/v1/register',
          headers: { origin: appOrigin, 'access-control-request-method': 'POST' },
        }),
    ],
  ];
  it.each(strange)('by %s, the same', async (_what, ask) =>
    expect(headersOf(await ask())).toMatchObject(guarded),
  );

  it('but public keys, which may be kept for a while', async () => {
    const { headers } = await get(scene.api, '/.well-known/jwks.json');
    expect([headers['cache-control'], headers['x-content-type-options']]).toEqual([
      'public, max-age=300, stale-if-error=86400',
      'nosniff',
    ]);
  });
});

describe('a method', () => {
  it(
    'that a path does not have is a 404 on every route of every contract, with a key as without',
    { timeout: 120_000 },
    async () => {
      const { apiKey } = await register(scene.api);
      const routes = await everyRoute();
      const known = new Map<string, Method[]>();
      for (const [method, url] of routes) known.set(url, [...(known.get(url) ?? []), method]);
      for (const [url, has] of known) {
        const others = methods.filter(
          (method) => !has.includes(method) && !(method === 'HEAD' && has.includes('GET')),
        );
        for (const method of others) {
          const key = method === 'PUT' ? apiKey : adminKey;
          const { statusCode } = await send({ method, url, headers: { authorization: `Bearer ${key}` } });
          // OPTIONS is the question of a browser, which here asks for nothing.
          const refusals = method === 'OPTIONS' ? [400, 404] : [404];
          expect({ method, url, statusCode, isRefused: refusals.includes(statusCode) }).toMatchObject({
            isRefused: true,
          });
        }
      }
    },
  );
});
