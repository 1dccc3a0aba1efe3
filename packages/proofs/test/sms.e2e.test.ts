import { describe, expect, test } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { nextMail } from '../src/mails.ts';
import { postgresSettings, redisSettings, type Settings } from '../src/installation.ts';
import { openScene } from './support/scene.ts';
import { smsSettings } from './support/sms-settings.ts';

const phone = '+4512345678';

const expectCodeByTheNumber = async (settings: Settings): Promise<void> => {
  await using scene = await openScene({ ...settings, RATE_LIMIT_PHONE: 'off' });
  const { api, worker } = smsSettings(scene.inbox.httpPort);
  const { client } = await scene.startApi(api);
  await scene.startWorker(worker);
  const { apiKey } = (await client.register('ada@example.com')).body;
  const headers = { authorization: `Bearer ${apiKey}` };

  const asked = await client.ask('POST', '/v1/tenants/me/phone-change', { json: { phone }, headers });
  expect(asked.status).toBe(202);
  const first = await nextMail(scene.inbox, '+45 12 34 56 78');
  expect(first.text?.split('\n').at(-1)).toBe(`@localhost #${first.code}`);
  const moved = await client.ask('POST', '/v1/verify', { json: { phone, code: first.code } });
  expect(moved).toMatchObject({ status: 200, body: { purpose: 'phone_change', phone } });

  const resent = await client.ask<{ messageId: string }>('POST', '/v1/resend', {
    json: { purpose: 'sms', phone },
  });
  expect(resent.status).toBe(200);
  const second = await nextMail(scene.inbox, phone, first);
  const proved = await client.ask('POST', '/v1/verify', { json: { phone, code: second.code } });
  expect(proved).toMatchObject({ status: 200, body: { purpose: 'sms', phone } });
  expect(await client.me(apiKey)).toMatchObject({ phone, status: 'PENDING_VERIFICATION' });
  // The code may come back before the worker has written down that it was sent.
  await expect
    .poll(async () => (await client.story(resent.body.messageId)).summary, { timeout: 20_000 })
    .toContain('The code was used');

  const nobody = await client.ask<{ messageId: string }>('POST', '/v1/resend', {
    json: { purpose: 'sms', phone: '+4512999999' },
  });
  expect(nobody.status).toBe(200);
  await expect
    .poll(async () => (await client.messages({ address: '+4512999999' }))[0]?.reason, { timeout: 20_000 })
    .toBe('unknown_account');
  expect(
    (await scene.inbox.messages()).filter(({ envelope }) => envelope.to.includes('+4512999999')),
  ).toEqual([]);
};

describeWithRedis('with the settings of npm start, on Redis', (redisUrl) => {
  test('a number is asked for, its code is read in the inbox and comes back, and nobody’s number gets none', () =>
    expectCodeByTheNumber(redisSettings(redisUrl)));
});

describe('with the settings of npm start, on Postgres alone', () => {
  test('a number is asked for, its code is read in the inbox and comes back, and nobody’s number gets none', () =>
    expectCodeByTheNumber(postgresSettings));
});
