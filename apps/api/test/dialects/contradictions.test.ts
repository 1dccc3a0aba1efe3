import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractNames, type ContractName } from '@reconfirm/core/contract';
import type { Settings } from '../support/installation.ts';
import { parseRateLimit, retryAfterSeconds } from '../support/rate-limit-header.ts';
import { newClient } from '../support/requests.ts';
import { allMessages } from '../support/rows.ts';
import { closedPort } from '../support/unreachable.ts';
import {
  type AccountState,
  addressLimits,
  type AllContracts,
  ask,
  openAllContracts,
} from './support/all-contracts.ts';

// Where the contracts contradict each other there is one rule for all of them, or one setting.

let scene: AllContracts;
beforeAll(async () => {
  scene = await openAllContracts();
});
afterAll(() => scene.close());

const accepted = (contract: ContractName): number => (contract === 'entryguard' ? 202 : 200);

const messageCount = async (): Promise<number> => (await allMessages(scene.installation.db)).length;

describe('whom a contract tells what: disclosure documented | strict | owner', () => {
  const states = ['absent', 'pending', 'active', 'suspended'] as const;

  it.each<{
    rule: string;
    contract: ContractName;
    settings: Settings;
    told: Partial<Record<AccountState, number>>;
  }>([
    {
      rule: 'documented',
      contract: 'v1',
      settings: {},
      told: { absent: 200, pending: 200, active: 409, suspended: 403 },
    },
    {
      rule: 'strict',
      contract: 'v1',
      settings: { DISCLOSURE: 'strict' },
      told: { absent: 200, pending: 200, active: 200, suspended: 200 },
    },
    {
      rule: 'strict',
      contract: 'gotrue',
      settings: {},
      told: { absent: 200, pending: 200, active: 200, suspended: 200 },
    },
    // Nobody can ask about anybody else: a token is its owner's, and a key its organization's.
    { rule: 'owner', contract: 'singularity', settings: {}, told: { pending: 200, active: 304 } },
    {
      rule: 'owner',
      contract: 'entryguard',
      settings: {},
      told: { pending: 202, active: 409, suspended: 409 },
    },
  ])('$rule: $contract $settings', async ({ contract, settings, told }) => {
    const api = await scene.startApi(settings);
    const answered: Partial<Record<AccountState, number>> = {};
    for (const state of states.filter((name) => told[name] !== undefined))
      answered[state] = (await ask[contract](api, await scene.newPerson(state))).statusCode;
    expect(answered).toEqual(told);
  });

  it.each(['singularity', 'entryguard'] as const)(
    'owner: nobody else is told anything by %s',
    async (contract) => {
      const { email, id } = await scene.newPerson('active');
      const stranger = { email, id, token: 'nothing' };
      const path = `/api/v1/users/${id}/invitation/resend`;
      const answer =
        contract === 'singularity'
          ? await ask.singularity(scene.api, stranger)
          : await scene.api.app.inject({ method: 'POST', url: path });
      expect(answer.statusCode).toBe(401);
      expect(answer.body).not.toContain(email);
    },
  );
});

describe('a verified account: already_verified 409 | 304 | 200', () => {
  it.each<[ContractName, Settings, number, string]>([
    ['v1', {}, 409, 'CONFLICT'],
    ['v1', { ERROR_CODES: 'specific' }, 409, 'ALREADY_VERIFIED'],
    ['singularity', {}, 304, 'EMAIL_ALREADY_VERIFIED'],
    ['singularity', { SINGULARITY_ALREADY_VERIFIED: '409' }, 409, 'EMAIL_ALREADY_VERIFIED'],
    ['entryguard', {}, 409, 'INVITATION_ALREADY_ACCEPTED'],
  ])('%s %j: %i %s, and nothing is written', async (contract, settings, status, code) => {
    const api = await scene.startApi(settings);
    const before = await messageCount();
    const answer = await ask[contract](api, await scene.newPerson('active'));
    const told = status === 304 ? answer.headers['x-error-code'] : answer.json<{ code: string }>().code;
    expect([answer.statusCode, told]).toEqual([status, code]);
    expect(answer.body === '').toBe(status === 304);
    expect(await messageCount()).toBe(before);
  });

  it('gotrue: 200 like everybody, and the row tells the operator', async () => {
    const before = await messageCount();
    expect((await ask.gotrue(scene.api, await scene.newPerson('active'))).statusCode).toBe(200);
    expect(await messageCount()).toBe(before + 1);
  });
});

describe('mail off: email_off rotate | 503 | 400', () => {
  it.each<[ContractName, Settings, number]>([
    ['v1', { EMAIL_OFF: 'rotate' }, 200],
    ['entryguard', {}, 202],
  ])('rotate: %s %j answers %i as ever and writes its row', async (contract, settings, status) => {
    const api = await scene.startApi({ EMAIL_PROVIDER: 'none', ...settings });
    const before = await messageCount();
    expect((await ask[contract](api, await scene.newPerson('pending'))).statusCode).toBe(status);
    expect(await messageCount()).toBe(before + 1);
  });

  it.each<[ContractName, Settings, number, string]>([
    ['v1', { EMAIL_OFF: '503' }, 503, 'EMAIL_DISABLED'],
    ['v1', { EMAIL_OFF: '400' }, 400, 'EMAIL_PROVIDER_DISABLED'],
    ['singularity', {}, 503, 'EMAIL_DISABLED'],
    ['gotrue', {}, 400, 'email_provider_disabled'],
  ])('%s %j: %i %s before any limit is charged', async (contract, settings, status, code) => {
    const limits = addressLimits('1/600');
    const off = await scene.startApi({ ...limits, EMAIL_PROVIDER: 'none', ...settings });
    const on = await scene.startApi(limits);
    const person = await scene.newPerson('pending');
    for (let count = 0; count < 3; count += 1) {
      const answer = await ask[contract](off, person);
      const { reason, error_code, code: told } = answer.json<Record<string, unknown>>();
      expect([answer.statusCode, reason ?? error_code ?? told]).toEqual([status, code]);
    }
    expect((await ask[contract](on, person)).statusCode).toBe(200);
  });
});

describe('asking too often', () => {
  it.each(contractNames)('429 of %s says in every header how long to wait', async (contract) => {
    const api = await scene.startApi(addressLimits('1/600'));
    const person = await scene.newPerson('pending');
    const first = await ask[contract](api, person);
    expect(first.statusCode).toBe(accepted(contract));
    const refused = await ask[contract](api, person);
    expect(refused.statusCode).toBe(429);
    const seconds = retryAfterSeconds(refused);
    expect(seconds).toBeGreaterThan(500);
    const policies = parseRateLimit(refused.headers['ratelimit-policy']);
    expect(policies.map(({ parameters }) => parameters)).toContainEqual({ q: 1, w: 600 });
    const states = parseRateLimit(refused.headers['ratelimit']);
    expect(states.map(({ parameters }) => parameters)).toContainEqual({ r: 0, t: seconds });
    expect('x-ratelimit-reset' in refused.headers).toBe(contract === 'gotrue');
  });
});

describe('one Gmail mailbox: folded for limits always, for look-up by EMAIL_IDENTITY', () => {
  let exact: AllContracts;
  beforeAll(async () => {
    exact = await openAllContracts({ ...addressLimits('1/600'), EMAIL_IDENTITY: 'exact' });
  });
  afterAll(() => exact.close());

  it.each(contractNames)('%s: two accounts by EMAIL_IDENTITY=exact share one limit', async (contract) => {
    const name = `grace.hopper.${contract}`;
    const first = await exact.newPerson('pending', `${name}@gmail.com`);
    const other = await exact.newPerson('pending', `${name.replaceAll('.', '')}+2@googlemail.com`);
    expect((await ask[contract](exact.api, first)).statusCode).toBe(accepted(contract));
    expect((await ask[contract](exact.api, other)).statusCode).toBe(429);
  });
});

describeWithRedis('a limiter that does not answer: limiter_on_error postgres | closed | open', () => {
  const withoutRedis = async (onError: string) =>
    scene.startApi({
      ...addressLimits('1/600'),
      REDIS_URL: `redis://127.0.0.1:${await closedPort()}`,
      LIMITER_ON_ERROR: onError,
    });

  it.each(contractNames)('postgres: %s counts the same limits', async (contract) => {
    const api = await withoutRedis('postgres');
    const person = await scene.newPerson('pending');
    const statuses = [await ask[contract](api, person), await ask[contract](api, person)];
    expect(statuses.map(({ statusCode }) => statusCode)).toEqual([accepted(contract), 429]);
  });

  it.each([
    ['v1', 503],
    ['gotrue', 503],
    ['singularity', 500],
    ['entryguard', 500],
  ] as const)('closed: %s is a %i with Retry-After, and nothing is written', async (contract, status) => {
    const api = await withoutRedis('closed');
    const person = await scene.newPerson('pending');
    const before = await messageCount();
    const answer = await ask[contract](api, person);
    expect(answer.statusCode).toBe(status);
    expect(retryAfterSeconds(answer)).toBeLessThan(60);
    expect(await messageCount()).toBe(before);
  });

  it.each(contractNames)('open: %s accepts without a limit', async (contract) => {
    const api = await withoutRedis('open');
    const [person, from] = [await scene.newPerson('pending'), newClient()];
    for (let count = 0; count < 2; count += 1)
      expect((await ask[contract](api, person, from)).statusCode).toBe(accepted(contract));
  });
});
