import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './support/eventually.ts';
import { gotrueSettings, withoutLimits } from './support/gotrue.ts';
import {
  adminKey,
  type Installation,
  openInstallation,
  type Settings,
  type TestApi,
} from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { type Answer, getAsAdmin, newClient, newEmail, post, register, resend } from './support/requests.ts';
import { countRows } from './support/rows.ts';

const password = 'Correct-h0rse-battery';
const defaultId = '00000000-0000-7000-8000-000000000001';
let people = 0;
const disposable = (domain = 'mailinator.com'): string => `person-${(people += 1)}@${domain}`;

describe('an address of a service for minutes', () => {
  let installation: Installation;
  let lenient: TestApi;
  const all: Settings = { ...gotrueSettings(), ...withoutLimits, CONTRACTS: 'v1,singularity,gotrue' };
  beforeAll(async () => {
    installation = await openInstallation();
    lenient = await installation.startApi(all);
  });
  afterAll(() => installation.close());

  const contracts = {
    v1: (api: TestApi, email: string) => post(api, '/v1/register', { email }),
    singularity: (api: TestApi, email: string) =>
      post(api, '/api/auth/register?send-email=true', { email, password, name: 'Ana' }),
    gotrue: (api: TestApi, email: string) => post(api, '/auth/v1/signup', { email, password }),
    'gotrue by code': (api: TestApi, email: string) => post(api, '/auth/v1/otp', { email }),
  } satisfies Record<string, (api: TestApi, email: string) => Promise<Answer>>;
  const names = Object.keys(contracts) as (keyof typeof contracts)[];
  const codes = {
    v1: 'DISPOSABLE_ADDRESS',
    singularity: 'EMAIL_DISPOSABLE',
    gotrue: 'email_address_disposable',
    'gotrue by code': 'email_address_disposable',
  } as const;
  const codeOf = (answer: Answer): unknown => {
    const body = answer.json<Record<string, unknown>>();
    return body['reason'] ?? body['error_code'] ?? body['code'];
  };

  it.each(names)('registers by %s as any other where nothing is set', async (name) => {
    expect((await contracts[name](lenient, disposable())).statusCode).toBeLessThan(300);
  });

  it.each(names)(
    'is refused by %s with a code of its own, alike for known and unknown, and nothing is written',
    async (name) => {
      const api = await installation.startApi({ ...all, DISPOSABLE_DOMAINS: 'refuse' });
      const known = disposable();
      await register(lenient, { email: known });
      const before = await countRows(installation.db);
      const answers = [
        await contracts[name](api, known),
        await contracts[name](api, disposable('a.b.mailinator.com')),
      ];
      for (const answer of answers) expect([answer.statusCode, codeOf(answer)]).toEqual([400, codes[name]]);
      const anonymous = ({ body }: Answer): string => body.replaceAll(/"(timestamp|requestId)":"[^"]*"/g, '');
      expect(anonymous(answers[0] as Answer)).toBe(anonymous(answers[1] as Answer));
      expect(await countRows(installation.db)).toEqual(before);
      expect((await contracts[name](api, newEmail())).statusCode, 'another address').toBeLessThan(300);
      expect(
        (await contracts[name](api, disposable('privaterelay.appleid.com'))).statusCode,
        'a relay',
      ).toBeLessThan(300);
    },
  );

  it('charges nothing when it is refused', async () => {
    const api = await installation.startApi({ DISPOSABLE_DOMAINS: 'refuse', RATE_LIMIT_IP: '1/60' });
    const from = newClient();
    for (let i = 0; i < 3; i += 1)
      expectProblem(await post(api, '/v1/register', { email: disposable() }, { from }), {
        status: 400,
        reason: 'DISPOSABLE_ADDRESS',
      });
    expect((await post(api, '/v1/register', { email: newEmail() }, { from })).statusCode).toBe(201);
  });

  it('of somebody who has an account goes on getting mail', async () => {
    const { email } = await register(lenient, { email: disposable() });
    const api = await installation.startApi({ ...all, DISPOSABLE_DOMAINS: 'refuse' });
    expect((await resend(api, email)).statusCode).toBe(200);
  });

  it('follows the operator’s own list, and the allow list before every other', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'disposable-')), 'domains.txt');
    writeFileSync(path, 'throwaway.example # seen in May\n');
    const api = await installation.startApi({
      DISPOSABLE_DOMAINS: 'refuse',
      DISPOSABLE_LIST_PATH: path,
      DISPOSABLE_ALLOW: 'mailinator.com',
      RATE_LIMIT_IP: 'off',
    });
    expect((await contracts.v1(api, disposable('throwaway.example'))).statusCode).toBe(400);
    expect((await contracts.v1(api, disposable())).statusCode).toBe(201);
  });

  it('stops the start where the operator’s list cannot be read', async () => {
    await expect(installation.startApi({ DISPOSABLE_LIST_PATH: '/nowhere' })).rejects.toThrow(
      'DISPOSABLE_LIST_PATH',
    );
  });

  it('is judged as the organization has set it, from its next change on, and flagged in its events', async () => {
    const api = await installation.startApi({ ...all });
    const set = (settings: Record<string, string | null>): Promise<Answer> =>
      api.app.inject({
        method: 'PATCH',
        url: `/v1/admin/organizations/${defaultId}`,
        headers: { authorization: `Bearer ${adminKey}` },
        payload: { settings },
      });
    const flagsOf = async (tenantId: string): Promise<unknown[]> => {
      const { events } = (await getAsAdmin(api, '/v1/admin/events?limit=100')).json<{
        events: { data: { account: { id: string; emailIsDisposable?: boolean } | null } }[];
      }>();
      return events
        .filter(({ data }) => data.account?.id === tenantId)
        .map(({ data }) => data.account?.emailIsDisposable);
    };
    const throwaway = await register(api, { email: disposable() });
    const lasting = await register(api);
    for (const { tenantId } of [throwaway, lasting])
      await api.app.inject({
        method: 'POST',
        url: `/v1/admin/tenants/${tenantId}/verify`,
        headers: { authorization: `Bearer ${adminKey}` },
      });
    expect(await flagsOf(throwaway.tenantId)).toEqual([undefined]);
    expect((await set({ DISPOSABLE_DOMAINS: 'flag' })).statusCode).toBe(200);
    await eventually(
      'the change is known',
      async () => (await flagsOf(throwaway.tenantId))[0] === true || undefined,
      20_000,
    );
    expect(await flagsOf(lasting.tenantId)).toEqual([false]);
    expect((await contracts.v1(api, disposable())).statusCode, 'flag refuses nobody').toBe(201);
    await set({ DISPOSABLE_DOMAINS: 'refuse' });
    await eventually(
      'it refuses',
      async () => (await contracts.v1(api, disposable())).statusCode === 400 || undefined,
      20_000,
    );
    await set({ DISPOSABLE_ALLOW: 'mailinator.com' });
    await eventually(
      'it allows',
      async () => (await contracts.v1(api, disposable())).statusCode === 201 || undefined,
      20_000,
    );
    await set({ DISPOSABLE_DOMAINS: null, DISPOSABLE_ALLOW: null });
  }, 90_000);
});
