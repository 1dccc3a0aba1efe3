import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKeyRing, type KeyRing } from '@reconfirm/core/token';
import { unseal } from '@reconfirm/core/sealed';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { claimDeliveries, recordDelivery } from '@reconfirm/db/webhook-deliveries';
import { createEndpoints } from '../src/outgoing/endpoints.ts';
import { handOverNewest } from './support/hand-over.ts';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { type Answer, get, getAsAdmin, newClient, post, postAsAdmin, register } from './support/requests.ts';

const base = '/v1/admin/webhook-endpoints';
const url = 'https://93.184.216.34/hooks?key=canary-key';
const nobody = '0192f0c1-2345-7000-8000-000000000001';

interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly active: boolean;
  readonly eventTypes: readonly string[];
  readonly previousSecretUntil: string | null;
}

describe('the operator’s webhooks', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({
      RATE_LIMIT_ADDRESS: 'off',
      RATE_LIMIT_IP: 'off',
      LOG_LEVEL: 'trace',
    });
  });
  afterAll(() => installation.close());

  const call = (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer> =>
    api.app.inject({
      method,
      url: path,
      remoteAddress: newClient(),
      headers: { authorization: `Bearer ${adminKey}` },
      ...(body === undefined ? {} : { payload: body }),
    });

  const create = async (
    body: object = { url },
  ): Promise<{ readonly endpoint: Endpoint; readonly secret: string }> => {
    const answer = await call('POST', base, body);
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String) as string]);
    return answer.json();
  };

  /** Claims everything that is due and says of all of it that it was delivered, or that it is dead. */
  const settle = async (status: 'delivered' | 'dead'): Promise<number> => {
    const options = { limit: 1000, slotsOfEndpoint: 1000, slots: {}, leaseSeconds: 30 };
    const claimed = await claimDeliveries(installation.db, options);
    for (const delivery of claimed)
      await recordDelivery(installation.db, delivery, {
        outcome: { kind: 'answered', status: status === 'dead' ? 500 : 200 },
        verdict: status === 'dead' ? { status, disablesEndpoint: false } : { status },
        tookMs: 1,
      });
    return claimed.length;
  };

  it('are for the operator alone', async () => {
    for (const answer of [
      await get(api, base),
      await post(api, base, { url }),
      await get(api, '/v1/admin/events'),
      await get(api, `${base}/${nobody}/deliveries`),
      await post(api, `${base}/${nobody}/test`, {}),
    ])
      expectProblem(answer, { status: 401, reason: 'UNAUTHORIZED' });
  });

  it('show their secret once, when they are made, and keep it sealed', async () => {
    const { endpoint, secret } = await create({ url, eventTypes: ['verification.completed'] });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(endpoint).toMatchObject({ url, active: true, eventTypes: ['verification.completed'] });
    const one = await getAsAdmin(api, `${base}/${endpoint.id}`);
    const all = await getAsAdmin(api, base);
    expect(one.json<{ endpoint: Endpoint }>().endpoint).toEqual(endpoint);
    expect(all.json<{ endpoints: Endpoint[] }>().endpoints).toContainEqual(endpoint);
    const row = await installation.db
      .selectFrom('webhook_endpoints')
      .selectAll()
      .where('id', '=', endpoint.id)
      .executeTakeFirstOrThrow();
    expect(unseal(api.config.TOKEN_KEYS, row.secret_sealed, endpoint.id).reveal()).toBe(secret);
    for (const place of [one.body, all.body, api.logged(), row.secret_sealed.toString('latin1')])
      expect(place).not.toContain(secret.slice('whsec_'.length));
    expect(api.logged()).not.toContain('canary-key');
  });

  it.each([
    ['http://93.184.216.34/', 'scheme'],
    ['https://93.184.216.34:22/', 'port'],
    ['https://user:canary-password@93.184.216.34/', 'credentials'],
    ['https://127.0.0.1/', 'address'],
    ['https://169.254.169.254/latest', 'address'],
    ['https://[::1]/', 'address'],
    ['https://0x7f.1/', 'address'],
    ['https://localhost/', 'address'],
    ['https://name.invalid/', 'unresolvable'],
    ['nowhere', 'not_a_url'],
  ])('may not lead to %s: %s, neither when made nor when changed', async (target, code) => {
    const { endpoint } = await create();
    for (const answer of [
      await call('POST', base, { url: target }),
      await call('PATCH', `${base}/${endpoint.id}`, { url: target }),
    ]) {
      const problem = expectProblem(answer, { status: 400, reason: 'WEBHOOK_URL_NOT_ALLOWED' });
      expect(problem.errors).toMatchObject([{ field: 'url', code }]);
      expect(answer.body).not.toContain('canary');
    }
  });

  it('may not lead to a name that resolves to a private address, also among public ones', async () => {
    const keys = parseKeyRing(`1:${Buffer.alloc(32, 1).toString('base64')}`) as KeyRing;
    const resolvedTo = (...addresses: readonly string[]) =>
      createEndpoints({
        db: installation.db,
        keys,
        rules: { ports: [443], loopback: false },
        organizationId: defaultOrganizationId,
        resolve: async () => addresses.map((address) => ({ address, family: 4 })),
      });
    for (const addresses of [['10.0.0.5'], ['93.184.216.34', '10.0.0.5'], ['127.0.0.1']])
      expect(await resolvedTo(...addresses).create('https://app.example.com/', [])).toEqual({
        kind: 'url_refused',
        reason: 'address',
      });
    expect(await resolvedTo('93.184.216.34').create('https://app.example.com/', [])).toMatchObject({
      kind: 'done',
    });
  });

  it('are changed, switched, rotated and deleted; what is not there is not found', async () => {
    const { endpoint, secret } = await create();
    const path = `${base}/${endpoint.id}`;
    const changed = await call('PATCH', path, { eventTypes: ['message.failed'], active: false });
    expect(changed.json()).toMatchObject({
      endpoint: { url, active: false, disabledReason: 'switched_off', eventTypes: ['message.failed'] },
    });
    expectProblem(await call('POST', `${path}/test`), { status: 409, reason: 'WEBHOOK_ENDPOINT_INACTIVE' });
    expectProblem(await call('POST', `${path}/replay`, { status: 'dead' }), {
      status: 409,
      reason: 'WEBHOOK_ENDPOINT_INACTIVE',
    });
    expect((await call('PATCH', path, { active: true })).json()).toMatchObject({
      endpoint: { disabledReason: null },
    });

    const rotated = (await call('POST', `${path}/rotate`, { overlapSeconds: 60 })).json<{
      endpoint: Endpoint;
      secret: string;
    }>();
    expect(rotated.secret).not.toBe(secret);
    const untilSeconds = (Date.parse(rotated.endpoint.previousSecretUntil ?? '') - Date.now()) / 1000;
    expect(untilSeconds).toBeGreaterThan(50);
    expect(untilSeconds).toBeLessThan(70);

    expect((await call('DELETE', path)).statusCode).toBe(200);
    for (const answer of [
      await call('DELETE', path),
      await getAsAdmin(api, path),
      await call('PATCH', path, { active: true }),
      await call('POST', `${path}/rotate`, {}),
      await call('POST', `${path}/replay`, { status: 'dead' }),
      await call('POST', `${path}/test`),
      await getAsAdmin(api, `${path}/deliveries`),
    ])
      expectProblem(answer, { status: 404, reason: 'NOT_FOUND' });
  });

  it.each([
    ['POST', '', { url, eventTypes: ['no.such.event'] }],
    ['POST', '', {}],
    ['POST', '', { url, secret: 'mine' }],
    ['PATCH', `/${nobody}`, {}],
    ['POST', `/${nobody}/rotate`, { overlapSeconds: -1 }],
    ['POST', `/${nobody}/replay`, {}],
    ['POST', `/${nobody}/replay`, { from: 'yesterday', to: 'today' }],
    ['POST', `/${nobody}/replay`, { eventId: 'x' }],
  ] as const)('%s %s with %j is not valid', async (method, path, body) => {
    expectProblem(await call(method, `${base}${path}`, body), { status: 400, reason: 'VALIDATION_FAILED' });
  });

  it('have a log, and replay one event, a span of time, or what was given up', async () => {
    const { endpoint } = await create({ url, eventTypes: ['verification.completed'] });
    const path = `${base}/${endpoint.id}`;
    const tenants = [await register(api), await register(api), await register(api)];
    for (const { tenantId } of tenants) await postAsAdmin(api, `/v1/admin/tenants/${tenantId}/verify`);
    // Reading the feed numbers what no worker has numbered yet.
    await getAsAdmin(api, '/v1/admin/events?limit=1');
    expect(await settle('dead')).toBeGreaterThanOrEqual(3);
    const log = (query = '') =>
      getAsAdmin(api, `${path}/deliveries${query}`).then((answer) =>
        answer.json<{ deliveries: { eventId: string; status: string }[]; nextCursor: string | null }>(),
      );
    const dead = await log('?status=dead&limit=2');
    expect(dead.deliveries).toMatchObject([
      { status: 'dead', failures: 1, nextAt: null, attempts: [{ statusCode: 500, failure: null }] },
      { status: 'dead' },
    ]);
    expect((await log(`?status=dead&cursor=${dead.nextCursor}`)).deliveries).toHaveLength(1);

    const replay = async (choice: object): Promise<number> =>
      (await call('POST', `${path}/replay`, choice)).json<{ replayed: number }>().replayed;
    expect(await replay({ eventId: dead.deliveries[0]?.eventId })).toBe(1);
    expect(await replay({ status: 'dead' })).toBe(2);
    await settle('delivered');
    const [from, to] = [Date.now() - 3_600_000, Date.now() + 3_600_000].map((ms) =>
      new Date(ms).toISOString(),
    );
    expect(await replay({ from, to })).toBe(3);
    expect((await log('?status=pending')).deliveries).toHaveLength(3);
  });

  it('are tried out with an event that goes to one endpoint and is in no feed', async () => {
    const { endpoint } = await create({ url, eventTypes: ['message.failed'] });
    const tried = await call('POST', `${base}/${endpoint.id}/test`);
    const { eventId } = tried.json<{ eventId: string }>();
    const feed = await getAsAdmin(api, '/v1/admin/events?limit=100');
    expect(feed.body).not.toContain(eventId);
    const log = await getAsAdmin(api, `${base}/${endpoint.id}/deliveries`);
    expect(log.json()).toMatchObject({
      deliveries: [{ eventId, eventType: 'endpoint.test', status: 'pending' }],
    });
  });
});

describe('the feed', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_IP: 'off' });
  });
  afterAll(() => installation.close());

  interface Feed {
    readonly events: readonly {
      readonly id: string;
      readonly type: string;
      readonly data: { readonly sequence: number };
    }[];
    readonly next: string;
  }
  const read = async (query: string): Promise<Feed> =>
    (await getAsAdmin(api, `/v1/admin/events${query}`)).json<Feed>();

  it('gives everything that happened since, in order, once, without a worker and without an endpoint', async () => {
    expect(await read('')).toEqual({ ok: true, events: [], next: '0' });
    const tenant = await register(api);
    const { token } = await handOverNewest(installation.db, api.config);
    await Promise.all(Array.from({ length: 20 }, () => post(api, '/v1/verify-email', { token })));
    const first = await read('?limit=1');
    expect(first).toMatchObject({ events: [{ type: 'message.sent', data: { sequence: 1 } }], next: '1' });
    const rest = await read(`?after=${first.next}`);
    expect(rest.events).toMatchObject([
      {
        type: 'verification.completed',
        data: {
          sequence: 2,
          account: { id: tenant.tenantId, email: tenant.email, status: 'active' },
          method: 'link',
          purpose: 'signup',
        },
      },
    ]);
    expect(await read(`?after=${rest.next}`)).toMatchObject({ events: [], next: '2' });
    expect((await read('?types=message.sent,message.failed')).events.map(({ type }) => type)).toEqual([
      'message.sent',
    ]);
    expectProblem(await getAsAdmin(api, '/v1/admin/events?types=endpoint.test'), {
      status: 400,
      reason: 'VALIDATION_FAILED',
    });
    expectProblem(await getAsAdmin(api, '/v1/admin/events?after=-1'), {
      status: 400,
      reason: 'VALIDATION_FAILED',
    });
  });
});
