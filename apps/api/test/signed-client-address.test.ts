import { readdirSync, readFileSync } from 'node:fs';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gotrueSettings } from './support/gotrue.ts';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { type Answer, newClient, newEmail, register, resend } from './support/requests.ts';
import { newestMessage } from './support/rows.ts';
import { keyOfServer, signedAddress as signed } from './support/signed-address.ts';

/** How each contract is asked for a message, and where its refusals have their code. */
const contracts = [
  { name: 'v1', url: '/v1/resend-verification', codeOf: (body: Record<string, unknown>) => body['reason'] },
  {
    name: 'singularity',
    url: '/api/auth/password/reset-request',
    codeOf: (body: Record<string, unknown>) => body['code'],
  },
  {
    name: 'gotrue',
    url: '/auth/v1/recover',
    codeOf: (body: Record<string, unknown>) => String(body['error_code']).toUpperCase(),
  },
  { name: 'entryguard', url: '/api/v1/users', codeOf: (body: Record<string, unknown>) => body['code'] },
] as const;

describe('a server that names the person for whom it asks', () => {
  let installation: Installation;
  let api: TestApi;
  let without: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    const settings = {
      ...gotrueSettings(),
      CONTRACTS: 'v1,singularity,entryguard,gotrue',
      KRATOS_COURIER_KEY: 'key-of-the-courier-of-the-tests',
    };
    without = await installation.startApi(settings);
    api = await installation.startApi({
      ...settings,
      CLIENT_ADDRESS_KEYS: `${keyOfServer},another-key-while-they-change-01234567`,
    });
  });
  afterAll(() => installation.close());

  const ask = (
    url: string,
    headers: Record<string, string>,
    { on = api, ...more }: { on?: TestApi } & InjectOptions = {},
  ): Promise<Answer> =>
    on.app.inject({
      method: 'POST',
      url,
      remoteAddress: newClient(),
      payload: { email: newEmail() },
      ...more,
      headers: { authorization: `Bearer ${adminKey}`, ...headers },
    });
  const countedAs = async (): Promise<string> =>
    (await newestMessage(installation.db)).ip_key.toString('hex');
  /** The key of requests that come straight from an address. */
  const keyOf = async (address: string): Promise<string> => {
    expect((await resend(api, newEmail(), { from: address })).statusCode).toBe(200);
    return countedAs();
  };

  it.each(contracts.filter(({ name }) => name !== 'entryguard'))(
    'is counted by $name as if the person had come straight',
    async ({ url }) => {
      const person = newClient();
      const straight = await keyOf(person);
      expect((await ask(url, signed(person))).statusCode).toBe(200);
      expect(await countedAs()).toBe(straight);
    },
  );

  it('200 people behind one server each have a budget of their own', async () => {
    const server = newClient();
    for (let i = 0; i < 200; i += 1)
      expect((await ask(contracts[0].url, signed(newClient()), { remoteAddress: server })).statusCode).toBe(
        200,
      );
    const one = signed(newClient());
    const statuses = [];
    for (let i = 0; i < 6; i += 1) statuses.push((await ask(contracts[0].url, one)).statusCode);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it.each(contracts)(
    'is told by $name with a code of its own that its signature does not hold',
    async ({ url, codeOf }) => {
      const person = newClient();
      const wrong = [
        signed(person, { key: 'a-key-that-nobody-has-configured-0123' }),
        { 'reconfirm-client-address': person },
        {
          'reconfirm-client-address':
            signed(person)['reconfirm-client-address']?.replace(person, newClient()) ?? '',
        },
      ];
      for (const headers of wrong) {
        const answer = await ask(url, headers);
        expect([answer.statusCode, codeOf(answer.json())]).toEqual([400, 'CLIENT_ADDRESS_INVALID']);
      }
      const stale = await ask(url, signed(person, { secondsAgo: 400 }));
      expect([stale.statusCode, codeOf(stale.json())]).toEqual([400, 'CLIENT_ADDRESS_STALE']);
      expect((await ask(url, signed(person))).statusCode, 'the same, rightly signed').toBeLessThan(300);
    },
  );

  it.each(contracts)(
    'is not quietly ignored by $name where no key is configured',
    async ({ url, codeOf }) => {
      const answer = await ask(url, signed(newClient()), { on: without });
      expect([answer.statusCode, codeOf(answer.json())]).toEqual([400, 'CLIENT_ADDRESS_INVALID']);
    },
  );

  it('a stranger without the header is counted by the address that it comes from', async () => {
    const stranger = newClient();
    const straight = await keyOf(stranger);
    await resend(without, newEmail(), { from: stranger });
    expect(await countedAs()).toBe(straight);
  });

  describe('and shows a tenant’s key without naming anybody', () => {
    const change = (apiKey: string, from: string, on: TestApi, headers = {}): Promise<Answer> =>
      ask(
        '/v1/tenants/me/email-change',
        { authorization: `Bearer ${apiKey}`, ...headers },
        { on, remoteAddress: from },
      );

    it('is counted by that key, up to the limit of a client, and not by its own address', async () => {
      const server = newClient();
      const tenants = [await register(api), await register(api)];
      const statuses = [];
      for (let i = 0; i < 6; i += 1) {
        const answer = await change(tenants[0]?.apiKey ?? '', server, api);
        statuses.push(answer.statusCode);
      }
      expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
      // The server's own address has paid for nothing: the next tenant is not held back by it.
      expect((await change(tenants[1]?.apiKey ?? '', server, api)).statusCode).toBe(202);
      expect(await countedAs()).not.toBe(await keyOf(server));
    });

    it('is counted by the person where it names one, and by its address where the setting is off', async () => {
      const [server, person] = [newClient(), newClient()];
      const { apiKey } = await register(api);
      expect((await change(apiKey, server, api, signed(person))).statusCode).toBe(202);
      expect(await countedAs()).toBe(await keyOf(person));
      expect((await change(apiKey, server, without)).statusCode).toBe(202);
      expect(await countedAs()).toBe(await keyOf(server));
    });
  });

  it('a courier’s messages do not count against the address of its machine', async () => {
    const machine = newClient();
    const answer = await api.app.inject({
      method: 'POST',
      url: '/hooks/kratos/courier',
      remoteAddress: machine,
      headers: { authorization: 'Bearer key-of-the-courier-of-the-tests' },
      payload: {
        recipient: newEmail(),
        template_type: 'verification_code_valid',
        template_data: { verification_code: '123456', verification_url: 'https://auth.example.com/x' },
      },
    });
    expect(answer.statusCode, answer.body).toBe(200);
    expect(await countedAs()).not.toBe(await keyOf(machine));
  });
});

it('no source reads the address of the connection past the signed one', () => {
  const root = new URL('../src/', import.meta.url);
  const readers = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => /\b(request|req)\.ip\b/.test(readFileSync(new URL(name, root), 'utf8')));
  expect(readers).toEqual(['client-address.ts']);
});
