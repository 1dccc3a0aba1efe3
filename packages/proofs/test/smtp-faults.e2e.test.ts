import { waitUntil } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import pg from 'pg';
import { expect, test } from 'vitest';
import type { ApiClient } from '../src/api-client.ts';
import { createHttpClient } from '../src/http-client.ts';
import { redisSettings } from '../src/installation.ts';
import { untilSettled } from '../src/load.ts';
import { startOddSmtpServer, type OddWay } from '../src/odd-smtp-server.ts';
import { openScene } from './support/scene.ts';

const addressOf = (way: OddWay): string => `${way.replaceAll('_', '-')}@example.com`;
const ways: readonly OddWay[] = [
  'take',
  'greylist',
  'refuse',
  'drop_before_data',
  'drop_after_dot',
  'trickle_after_dot',
];

const settings = { RATE_LIMIT_IP: 'off', SWEEP_INTERVAL_MS: '500' };

const register = async (client: ApiClient, email: string): Promise<void> => {
  expect((await client.register(email)).status).toBe(201);
};

const rowsOf = async (
  databaseUrl: string,
  statement: string,
): Promise<readonly Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
};

const headerLine = (mail: string, name: string): string =>
  new RegExp(`^${name}: *(.*)$`, 'im').exec(mail)?.[1]?.trim() ?? '';
/** Quoted-printable breaks lines, so the token is read without them. */
const tokenIn = (mail: string): string =>
  /token=(?:3D)?([A-Za-z0-9_-]{20,})/.exec(mail.replaceAll('=\r\n', ''))?.[1] ?? '';

describeWithRedis('a worker whose server', (redisUrl) => {
  test('greylists, refuses, drops or trickles ends every attempt in a known state, and what may have arrived goes again as the same mail', async () => {
    const wayOf = new Map(ways.map((way) => [addressOf(way), way]));
    await using server = await startOddSmtpServer((to) => wayOf.get(to) ?? 'take');
    await using scene = await openScene({
      ...redisSettings(redisUrl),
      ...settings,
      SEND_TIMEOUT_SECONDS: '2',
    });
    const { client } = await scene.startApi();
    await scene.startWorker({ SMTP_URL: server.url });
    for (const way of ways) await register(client, addressOf(way));
    const statusOf = async (way: OddWay): Promise<string | undefined> =>
      (await client.messages({ address: addressOf(way) }))[0]?.status;
    const statuses = async () =>
      Object.fromEntries(await Promise.all(ways.map(async (way) => [way, await statusOf(way)] as const)));
    const expected: Readonly<Record<OddWay, string>> = {
      take: 'sent',
      greylist: 'deferred',
      refuse: 'bounced',
      drop_before_data: 'deferred',
      drop_after_dot: 'deferred',
      trickle_after_dot: 'deferred',
    };
    await expect.poll(statuses, { timeout: 30_000 }).toEqual(expected);
    // Nothing was sent again by itself, and what was refused has not left.
    const bodies = Object.fromEntries(ways.map((way) => [way, server.mailsTo(addressOf(way)).length]));
    expect(bodies).toEqual({
      take: 1,
      greylist: 0,
      refuse: 0,
      drop_before_data: 0,
      drop_after_dot: 1,
      trickle_after_dot: 1,
    });

    server.behave();
    // A minute of patience is over.
    await rowsOf(scene.databaseUrl, `UPDATE messages SET next_at = now() WHERE status = 'deferred'`);
    await untilSettled(client);
    for (const way of ['drop_after_dot', 'trickle_after_dot'] as const) {
      const [first = '', second = '', ...more] = server.mailsTo(addressOf(way));
      expect(more).toEqual([]);
      expect(headerLine(first, 'message-id')).toMatch(/^<.+@.+>$/);
      expect(headerLine(second, 'message-id')).toBe(headerLine(first, 'message-id'));
      expect(tokenIn(first)).not.toBe('');
      expect(tokenIn(second)).toBe(tokenIn(first));
      expect(await client.check(tokenIn(first))).toMatchObject({ valid: true });
    }
    for (const way of ways) expect(await statusOf(way)).toBe(way === 'refuse' ? 'bounced' : 'sent');
  });

  test('greets with 554 rests, holds it against no message, and goes on by itself', async () => {
    await using server = await startOddSmtpServer(() => 'take');
    await using scene = await openScene({
      ...redisSettings(redisUrl),
      ...settings,
    });
    const { client } = await scene.startApi();
    using worker = createHttpClient((await scene.startWorker({ SMTP_URL: server.url })).port);
    server.greetWith('554 5.7.1 blocked');
    const emails = ['a@example.com', 'b@example.com', 'c@example.com'];
    for (const email of emails) await register(client, email);
    const isReady = async (): Promise<boolean> => (await worker.ask('GET', '/readyz')).status === 200;
    await waitUntil('the worker says so', async () => !(await isReady()), 30_000);
    // It takes no more than the probe now and then.
    expect(emails.flatMap((email) => server.mailsTo(email))).toEqual([]);
    server.greetWith(undefined);
    await untilSettled(client);
    expect(emails.map((email) => server.mailsTo(email).length)).toEqual([1, 1, 1]);
    const rows = await rowsOf(scene.databaseUrl, 'SELECT status, failures FROM messages');
    expect(rows).toEqual(emails.map(() => ({ status: 'sent', failures: 0 })));
    await waitUntil('the worker is ready again', isReady, 30_000);
  });
});
