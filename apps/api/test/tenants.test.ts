import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { postReport, report } from './support/mailgun.ts';
import { expectProblem } from './support/problems.ts';
import {
  type Answer,
  get,
  getAsAdmin,
  post,
  postAsAdmin,
  register,
  setTenantStatus,
  tenantOf,
} from './support/requests.ts';
import { countRows } from './support/rows.ts';

interface TenantEvent {
  readonly id: string;
  readonly eventType: string;
  readonly detail: Record<string, unknown>;
  readonly createdAt: string;
}

const unknownId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';

let installation: Installation;
let api: TestApi;
beforeAll(async () => {
  installation = await openInstallation();
  api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
});
afterAll(() => installation.close());

const withKey = (path: string, authorization: string): Promise<Answer> =>
  get(api, path, { headers: { authorization } });
const eventsOf = async (apiKey: string): Promise<readonly TenantEvent[]> =>
  (await withKey('/v1/tenants/events', `Bearer ${apiKey}`)).json<{ events: TenantEvent[] }>().events;

describe('GET /v1/tenants/me and /v1/tenants/events', () => {
  it.each(['/v1/tenants/me', '/v1/tenants/events'])(
    '%s is a 401 without a key and with a wrong one',
    async (path) => {
      const { apiKey } = await register(api);
      const other = await register(api);
      const mixed = apiKey.slice(0, 36) + other.apiKey.slice(36);
      for (const authorization of [
        '',
        'Bearer',
        'Bearer nothing',
        `Basic ${apiKey}`,
        `Bearer ${apiKey}x`,
        `Bearer ${mixed}`,
      ]) {
        const answer = await withKey(path, authorization);
        expectProblem(answer, { status: 401, code: 'UNAUTHORIZED', reason: 'UNAUTHORIZED' });
        expect(answer.headers['www-authenticate']).toBe('Bearer');
      }
    },
  );

  it('a key shows its own tenant and nobody else', async () => {
    const [first, second] = [await register(api), await register(api)];
    expect(await tenantOf(api, first)).toMatchObject({ id: first.tenantId, email: first.email });
    expect(await tenantOf(api, second)).toMatchObject({ id: second.tenantId, email: second.email });
  });

  it('a revoked key is a 401', async () => {
    const { apiKey, tenantId } = await register(api);
    await installation.db
      .updateTable('api_keys')
      .set({ revoked_at: new Date() })
      .where('account_id', '=', tenantId)
      .execute();
    expectProblem(await withKey('/v1/tenants/me', `Bearer ${apiKey}`), {
      status: 401,
      reason: 'UNAUTHORIZED',
    });
  });

  it('its events tell its whole story, oldest first', async () => {
    const { apiKey, tenantId } = await register(api);
    const { token, messageId } = await handOverNewest(installation.db, api.config);
    await postReport(api, report('failed', messageId, { severity: 'temporary' }));
    await postReport(api, report('delivered', messageId));
    await post(api, '/v1/verify-email', { token });
    await postReport(api, report('complained', messageId));
    await setTenantStatus(api, tenantId, 'SUSPENDED');

    const events = await eventsOf(apiKey);
    expect(events.map((event) => event.eventType)).toEqual([
      'VERIFICATION_EMAIL_SENT',
      'VERIFICATION_EMAIL_TEMP_FAILED',
      'VERIFICATION_EMAIL_DELIVERED',
      'EMAIL_VERIFIED',
      'VERIFICATION_EMAIL_COMPLAINED',
      'CONTACT_SUPPRESSED',
      'STATUS_CHANGED',
    ]);
    expect(events.at(-1)?.detail).toEqual({ from: 'active', to: 'suspended', by: 'admin' });
    const times = events.map((event) => event.createdAt);
    expect(times).toEqual(times.toSorted());
    expect((await getAsAdmin(api, `/v1/admin/tenants/${tenantId}/events`)).json()).toMatchObject({
      ok: true,
      events,
    });
  });

  it('its events come whole and unpaginated, however many there are', async () => {
    const { apiKey, tenantId } = await register(api);
    const numbers = Array.from({ length: 1500 }, (_, index) => index);
    await installation.db
      .insertInto('account_events')
      .values(
        numbers.map((number) => ({
          account_id: tenantId,
          type: 'STATUS_CHANGED',
          detail: JSON.stringify({ number }),
        })),
      )
      .execute();
    const events = await eventsOf(apiKey);
    expect(events.map(({ detail }) => detail['number'])).toEqual(numbers);
    expect(Object.keys(events[0] ?? {}).toSorted()).toEqual(['createdAt', 'detail', 'eventType', 'id']);
  });
});

describe('POST /v1/admin/tenants/{id}/verify, PATCH …/status and GET …/events', () => {
  it('verifying by hand makes a tenant ACTIVE, once, however often it is asked', async () => {
    const { tenantId, apiKey } = await register(api);
    const first = await postAsAdmin(api, `/v1/admin/tenants/${tenantId}/verify`);
    expect(first.json()).toMatchObject({ ok: true, tenant: { id: tenantId, status: 'ACTIVE' } });
    const second = await postAsAdmin(api, `/v1/admin/tenants/${tenantId}/verify`);
    expect(second.body).toBe(first.body);
    expect((await eventsOf(apiKey)).map((event) => event.eventType)).toEqual(['EMAIL_VERIFIED']);
  });

  it('verifying by hand does not lift a suspension', async () => {
    const { tenantId } = await register(api);
    await setTenantStatus(api, tenantId, 'SUSPENDED');
    const answer = await postAsAdmin(api, `/v1/admin/tenants/${tenantId}/verify`);
    expect(answer.json()).toMatchObject({ tenant: { status: 'SUSPENDED' } });
  });

  it.each(['PENDING_VERIFICATION', 'ACTIVE', 'SUSPENDED', 'PAST_DUE'])(
    'an operator can set the state %s',
    async (status) => {
      const { tenantId } = await register(api);
      const answer = await setTenantStatus(api, tenantId, status);
      expect([answer.statusCode, answer.json<{ tenant: { status: string } }>().tenant.status]).toEqual([
        200,
        status,
      ]);
    },
  );

  it('setting the state that a tenant has leaves no event', async () => {
    const { tenantId, apiKey } = await register(api);
    await setTenantStatus(api, tenantId, 'PENDING_VERIFICATION');
    expect(await eventsOf(apiKey)).toEqual([]);
  });

  it('a state that is not in the list is a 400, and nothing changes', async () => {
    const { tenantId } = await register(api);
    const before = await countRows(installation.db);
    expectProblem(await setTenantStatus(api, tenantId, 'DELETED'), {
      status: 400,
      reason: 'VALIDATION_FAILED',
    });
    expect(await countRows(installation.db)).toEqual(before);
  });

  it('an unknown tenant is a 404, and an id that is none a 400', async () => {
    expectProblem(await postAsAdmin(api, `/v1/admin/tenants/${unknownId}/verify`), {
      status: 404,
      reason: 'NOT_FOUND',
    });
    expectProblem(await setTenantStatus(api, unknownId, 'ACTIVE'), { status: 404, reason: 'NOT_FOUND' });
    expectProblem(await getAsAdmin(api, `/v1/admin/tenants/${unknownId}/events`), {
      status: 404,
      reason: 'NOT_FOUND',
    });
    expectProblem(await setTenantStatus(api, '42', 'ACTIVE'), { status: 400, reason: 'VALIDATION_FAILED' });
  });
});
