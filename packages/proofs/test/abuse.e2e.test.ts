import { testStores } from '@reconfirm/local-stack/testing';
import { expect, test } from 'vitest';
import { dumpPostgres } from '../src/dump-stores.ts';
import type { Answer } from '../src/http-client.ts';
import { postgresSettings, redisSettings, type RunningApi } from '../src/installation.ts';
import { untilSettled } from '../src/load.ts';
import { nextMail, tokenOf } from '../src/mails.ts';
import { strictContracts } from '../src/strict-contracts.ts';
import { openScene, type Scene } from './support/scene.ts';
import { smsSettings } from './support/sms-settings.ts';

const { redisUrl } = testStores();
const settings = {
  ...(redisUrl === null ? postgresSettings : redisSettings(redisUrl)),
  RATE_LIMIT_ADDRESS: 'off',
  RATE_LIMIT_IP: 'off',
  // A thousand at once wait for each other on a slow machine.
  DATABASE_TIMEOUT_MS: '10000',
};

/** The same question so many times at once, to both processes in turn. */
const atOnce = <Body>(
  apis: readonly [RunningApi, RunningApi],
  count: number,
  path: string,
  json: (index: number) => unknown,
): Promise<Answer<Body>[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      apis[index % 2 === 0 ? 0 : 1].client.ask<Body>('POST', path, { json: json(index) }),
    ),
  );

const startTwo = async (scene: Scene, more: Readonly<Record<string, string>> = {}) => {
  const contracts = { ...strictContracts(), ...more };
  return [await scene.startApi(contracts), await scene.startApi(contracts)] as const;
};

test('of 1,000 wrong codes at once over two processes five are compared, and of 100 uses of a link one lets in', async () => {
  await using scene = await openScene(settings);
  const apis = await startTwo(scene);
  const [{ client }] = apis;
  await scene.startWorker();
  const email = 'ada@example.com';
  expect((await client.register(email)).status).toBe(201);
  const registration = await nextMail(scene.inbox, email);
  await client.ask('POST', '/v1/resend', { json: { purpose: 'recovery', email } });
  const mail = await nextMail(scene.inbox, email, registration);
  const right = Number(mail.code);
  const wrong = (index: number): string => String((right + 1 + index) % 1_000_000).padStart(6, '0');
  const guesses = await atOnce(apis, 1000, '/v1/verify', (index) => ({
    email,
    purpose: 'recovery',
    code: wrong(index),
  }));
  const statuses = guesses.map(({ status }) => status);
  // Under load a process may say 503 in place of counting; it compares nothing then.
  expect(statuses.filter((status) => status === 400)).toHaveLength(5);
  expect(statuses.filter((status) => ![400, 429, 503].includes(status))).toEqual([]);
  const locked = await client.ask('POST', '/v1/verify', {
    json: { email, purpose: 'recovery', code: mail.code },
  });
  expect(locked).toMatchObject({ status: 429, body: { reason: 'CODE_LOCKED' } });

  const used = await atOnce<{ session: object | null }>(apis, 100, '/v1/verify', () => ({
    token: tokenOf(mail),
  }));
  expect(used.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
  expect(used.filter(({ status, body }) => status === 200 && body.session !== null)).toHaveLength(1);
  const tables = await dumpPostgres(scene.databaseUrl);
  expect(tables.find(({ name }) => name === 'public.sessions')?.rows).toHaveLength(1);
});

test('of 1,000 requests for an SMS at once, to 200 numbers of one block, exactly as many go out as the block may have', async () => {
  await using scene = await openScene({ ...settings, RATE_LIMIT_PHONE: 'off' });
  const sms = smsSettings(scene.inbox.httpPort);
  const apis = await startTwo(scene, { ...sms.api, GOTRUE_PHONE: 'on' });
  const spending = { ...sms.worker, SMS_BUDGET_PREFIX: '20', SMS_CONCURRENCY: '50' };
  await Promise.all([scene.startWorker(spending), scene.startWorker(spending)]);
  const numberOf = (index: number): string => `+452012${1000 + (index % 200)}`;
  const asked = await atOnce(apis, 1000, '/auth/v1/otp', (index) => ({ phone: numberOf(index) }));
  const accepted = asked.filter(({ status }) => status === 200);
  expect(asked.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
  expect(accepted.length).toBeGreaterThan(200);
  await untilSettled(apis[0].client, 90_000);
  expect(await scene.inbox.messages()).toHaveLength(20);
  const rows = (await dumpPostgres(scene.databaseUrl)).find(({ name }) => name === 'public.sms_sends')?.rows;
  expect(rows?.filter((row) => row['released_at'] === null)).toHaveLength(20);
  const refused = (await apis[0].client.messages()).filter(({ reason }) => reason === 'sms_budget_prefix');
  expect(refused.length).toBeGreaterThan(0);
});
