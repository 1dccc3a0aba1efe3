import { describe, expect, test } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { waitUntil } from '@reconfirm/local-stack';
import type { ApiClient } from '../src/api-client.ts';
import { reportEvent, variablesOf } from '../src/mailgun-webhook.ts';
import { linkOf, nextMail, tokenOf } from '../src/mails.ts';
import { postgresSettings, redisSettings, type Settings } from '../src/installation.ts';
import { openScene, type Scene } from './support/scene.ts';

const address = 'ada@example.com';

/** What an operator reads about the second mail, oldest first. */
const story = [
  'The request was accepted.',
  'The link was made.',
  'Attempt 1 by mailgun: The provider took it.',
  'The link was used: the address is confirmed.',
  'The receiving server took it.',
  'The recipient reported it as spam.',
  'From here on nothing is sent to the address, until it is lifted, because a message to it was reported as spam.',
  'The receiving server took it.',
];

/** What the tenant reads about itself, oldest first. */
const events = [
  'VERIFICATION_EMAIL_SENT',
  'VERIFICATION_EMAIL_SENT',
  'EMAIL_VERIFIED',
  'VERIFICATION_EMAIL_DELIVERED',
  'VERIFICATION_EMAIL_COMPLAINED',
  'CONTACT_SUPPRESSED',
  'VERIFICATION_EMAIL_DELIVERED',
  'VERIFICATION_EMAIL_DELIVERED',
];

/** Opening the page, also twice and as scanners do, is not confirming. */
const openPage = async (client: ApiClient, link: URL): Promise<void> => {
  const path = link.pathname + link.search;
  const page = await client.ask<string>('GET', path, { headers: { accept: 'text/html' } });
  expect(page.status).toBe(200);
  expect(page.body).toContain('<form method="post"');
  expect((await client.ask('HEAD', path)).status).toBe(200);
  expect((await client.ask('GET', path, { headers: { accept: '*/*' } })).status).toBe(200);
};

/** Registers and asks again once the cooldown is over; resolves to the key and both mails. */
const registerAndResend = async (scene: Scene, client: ApiClient) => {
  const registered = await client.register(address);
  expect(registered.status).toBe(201);
  const { apiKey, tenant } = registered.body;
  expect(tenant).toMatchObject({ status: 'PENDING_VERIFICATION', verificationEmailStatus: null });
  const first = await nextMail(scene.inbox, address);
  expect(await client.check(tokenOf(first))).toEqual({ valid: true, email: address });

  await waitUntil('the cooldown is over', async () => (await client.cooldownSeconds(address)) === 0);
  expect((await client.resend(address)).status).toBe(200);
  // The worker may not even have looked yet: the answer alone ends the older link.
  expect(await client.check(tokenOf(first))).toEqual({ valid: false });
  const late = await client.confirm(tokenOf(first));
  expect([late.status, late.body.reason]).toEqual([400, 'TOKEN_SUPERSEDED']);
  return { apiKey, first, second: await nextMail(scene.inbox, address, first) };
};

/** Opens the page in every way, presses its button twice, and finds the account as it should be each time. */
const confirmOnce = async (client: ApiClient, link: URL, apiKey: string): Promise<void> => {
  const token = link.searchParams.get('token') ?? '';
  await openPage(client, link);
  expect(await client.check(token)).toEqual({ valid: true, email: address });
  expect(await client.me(apiKey)).toMatchObject({ status: 'PENDING_VERIFICATION', verifiedAt: null });
  expect((await client.confirm(token)).status).toBe(200);
  expect(await client.me(apiKey)).toMatchObject({ status: 'ACTIVE', verifiedAt: expect.any(String) });
  expect((await client.confirm(token)).status).toBe(200);
  expect(await client.check(token)).toEqual({ valid: false });
};

const defineTests = (settings: Settings): void => {
  test('the newest link works, the older dies with the answer, and reports move the status', async () => {
    await using scene = await openScene({ ...settings, RATE_LIMIT_ADDRESS: '1/1' });
    const { client } = await scene.startApi();
    await scene.startWorker();
    const { apiKey, first, second } = await registerAndResend(scene, client);
    const statusOfMail = async () => (await client.me(apiKey)).verificationEmailStatus;
    await waitUntil('the hand-over is on record', async () => (await statusOfMail()) === 'SENT');
    await confirmOnce(client, linkOf(second), apiKey);

    expect((await reportEvent(client, 'complained', second, 'another key')).status).toBe(401);
    expect(await statusOfMail()).toBe('SENT');
    expect((await reportEvent(client, 'delivered', second)).status).toBe(200);
    expect(await statusOfMail()).toBe('DELIVERED');
    expect((await reportEvent(client, 'complained', second)).status).toBe(200);
    expect(await statusOfMail()).toBe('COMPLAINED');
    // A report of the older mail, and one that comes late, undo nothing.
    for (const mail of [first, second])
      expect((await reportEvent(client, 'delivered', mail)).status).toBe(200);
    expect(await statusOfMail()).toBe('COMPLAINED');

    const messages = await client.messages({ address });
    expect(messages.map(({ id, status }) => [id, status])).toEqual([
      [variablesOf(second).mid, 'complained'],
      [variablesOf(first).mid, 'delivered'],
    ]);
    const { summary, timeline } = await client.story(variablesOf(second).mid);
    expect(summary).toMatch(/reported the message as spam/);
    expect(timeline.map(({ what }) => what)).toEqual(story);
    expect(await client.eventTypes(apiKey)).toEqual(events);
  });

  test('of fifty parallel resends over two processes one is accepted and one mail is sent', async () => {
    // The registration uses up one of the two that the limit allows.
    await using scene = await openScene({ ...settings, RATE_LIMIT_ADDRESS: '2/600', RATE_LIMIT_IP: 'off' });
    const [one, other] = await Promise.all([scene.startApi(), scene.startApi()]);
    await scene.startWorker();
    expect((await one.client.register(address)).status).toBe(201);
    const first = await nextMail(scene.inbox, address);

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? one : other).client.resend(address)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(49);
    for (const { body, headers } of refused) {
      expect(body.reason).toBe('RESEND_COOLDOWN');
      expect(Number(headers['retry-after'])).toBeGreaterThan(500);
    }
    const second = await nextMail(scene.inbox, address, first);
    const isSettled = async () => (await one.client.messages({ status: 'sent' })).length === 2;
    await waitUntil('both mails are on record', isSettled);
    expect(await one.client.messages()).toHaveLength(2);
    expect(await scene.inbox.messages()).toHaveLength(2);
    expect(await other.client.check(tokenOf(second))).toEqual({ valid: true, email: address });
  });
};

describeWithRedis('a verification over Redis', (redisUrl) => {
  defineTests(redisSettings(redisUrl));
});

describe('a verification without any Redis', () => {
  defineTests(postgresSettings);
});
