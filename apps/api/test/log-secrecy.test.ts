import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import {
  adminKey,
  type Installation,
  openInstallation,
  startApi,
  type TestApi,
  webhookKey,
} from './support/installation.ts';
import { postReport, report, sign } from './support/mailgun.ts';
import {
  get,
  getAsAdmin,
  newClient,
  post,
  postAsAdmin,
  register,
  resend,
  tenantOf,
} from './support/requests.ts';
import { closedPort } from './support/unreachable.ts';

const canary = {
  email: 'canary-address@example.org',
  name: 'Canary Name',
  key: 'canary-idempotency-key',
  redirect: 'https://app.example.com/canary-path',
};

/** The wide lines of the requests for a message, as parsed. */
const decisionsOf = (api: TestApi): readonly Record<string, unknown>[] =>
  api
    .logged()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['msg'] === 'resend.decided');

describe('the log of the API', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  /** Everything that a person, a provider and an operator do, right and wrong. Returns what must stay secret. */
  const useEverything = async (api: TestApi): Promise<readonly string[]> => {
    const from = newClient();
    const registered = await register(
      api,
      { email: canary.email, name: canary.name, verificationRedirectUrl: canary.redirect },
      { from },
    );
    const { token, messageId } = await handOverNewest(installation.db, api.config);
    await resend(api, canary.email, { headers: { 'idempotency-key': canary.key } });
    await resend(api, `${canary.email}, other@example.org`);
    await post(api, '/v1/resend-verification', `{"email":"${canary.email}`);
    await get(api, `/v1/verification/cooldown?email=${encodeURIComponent(canary.email)}`);
    await get(api, `/v1/verify-email?token=${token}`);
    await get(api, `/v1/verify-email/check?token=${token}x`);
    await get(api, `/v1/%zz?token=${token}`);
    await post(api, '/v1/verify-email', { token });
    await tenantOf(api, registered);
    await get(api, '/v1/tenants/me', { headers: { authorization: `Bearer ${registered.apiKey}x` } });
    await getAsAdmin(api, `/v1/admin/messages?address=${canary.email}`);
    await postAsAdmin(api, `/v1/admin/tenants/${registered.tenantId}/verify`);
    await postReport(
      api,
      report('failed', messageId, { recipient: canary.email, reason: `no such user ${canary.email}` }),
    );
    await postReport(api, report('delivered', messageId), sign({ key: 'wrong' }));
    return [
      canary.email,
      'canary-',
      canary.name,
      token,
      registered.apiKey,
      registered.apiKey.slice(36),
      adminKey,
      webhookKey,
      from,
    ];
  };

  const expectSilent = (logged: string, secrets: readonly string[]): void => {
    for (const secret of secrets) {
      expect({ secret, told: logged.includes(secret) }).toEqual({ secret, told: false });
      expect({ secret, told: logged.includes(encodeURIComponent(secret)) }).toEqual({ secret, told: false });
      expect({
        secret,
        told: logged.includes(Buffer.from(secret).toString('base64').replace(/=+$/, '')),
      }).toEqual({ secret, told: false });
    }
  };

  it('holds no address, name, token, key or client of anybody, at its most talkative', async () => {
    const api = await installation.startApi({ LOG_LEVEL: 'trace', RATE_LIMIT_ADDRESS: 'off' });
    const secrets = await useEverything(api);
    const logged = api.logged();
    expect(logged).toMatch(/resend\.decided[^]*delivery\.event_received/);
    expectSilent(logged, secrets);
  });

  it('tells one wide line for each request for a message, with its outcome and what refused it', async () => {
    const api = await installation.startApi();
    await resend(api, 'twice@example.org');
    await resend(api, 'twice@example.org');
    const lines = decisionsOf(api);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({
      level: 30,
      name: 'api',
      what: 'resend',
      outcome: 'accepted',
      messageId: expect.any(String) as string,
    });
    expect(lines[1]).toMatchObject({
      outcome: 'limited',
      limit: 'address',
      retryAfterSeconds: expect.any(Number) as number,
    });
  });

  it('names the address by the label that the operator’s list of its messages has, and by nothing else', async () => {
    const api = await installation.startApi();
    await resend(api, 'Labelled.Person@example.org');
    await register(api, { email: 'another@example.org' });
    const labels = decisionsOf(api).map((line) => line['addressLabel']);
    const listed = await Promise.all(
      ['labelled.person@example.org', 'another@example.org'].map(async (address) =>
        (await getAsAdmin(api, `/v1/admin/messages?address=${address}`)).json<{ addressLabel?: string }>(),
      ),
    );
    expect(labels).toEqual(listed.map((page) => page.addressLabel));
    expect(new Set(labels).size).toBe(2);
    for (const label of labels) expect(label).toMatch(/^h:[0-9a-f]{8}$/);
    expect(api.logged().toLowerCase()).not.toMatch(/labelled|another@/);
    expect((await getAsAdmin(api, '/v1/admin/messages')).json()).not.toHaveProperty('addressLabel');
  });

  it('holds none of it when the database fails in the middle, nor the password of the database', async () => {
    const url = `postgres://someone:canary-password@127.0.0.1:${await closedPort()}/none`;
    const api = await startApi({ ...installation.settings, DATABASE_URL: url, LOG_LEVEL: 'trace' });
    try {
      await resend(api, canary.email);
      await post(api, '/v1/register', { email: canary.email, name: canary.name });
      await post(api, '/v1/verify-email', { token: 'c'.repeat(64) });
    } finally {
      await api.stop();
    }
    const logged = api.logged();
    expect(logged).toContain('request.failed');
    expectSilent(logged, ['canary-', canary.name, 'c'.repeat(64)]);
  });

  it('names a request in the log as it is named in the answer', async () => {
    const url = `postgres://postgres@127.0.0.1:${await closedPort()}/none`;
    const api = await startApi({ ...installation.settings, DATABASE_URL: url });
    try {
      const { requestId } = (await resend(api, 'who@example.org')).json<{ requestId: string }>();
      expect(api.logged()).toContain(requestId);
    } finally {
      await api.stop();
    }
  });
});
