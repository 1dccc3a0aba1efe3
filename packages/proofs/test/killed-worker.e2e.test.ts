import { expect, test } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { openTcpProxy, waitUntil } from '@reconfirm/local-stack';
import { headerOf } from '../src/mailgun-webhook.ts';
import { linkOf, nextMail, tokenOf } from '../src/mails.ts';
import { redisSettings } from '../src/installation.ts';
import { openScene } from './support/scene.ts';

const address = 'ada@example.com';

describeWithRedis('a worker killed between the 250 of the provider and the record', (redisUrl) => {
  test('one more copy goes out at most, with the same Message-ID and the same link', async () => {
    await using scene = await openScene({
      ...redisSettings(redisUrl),
      LEASE_SECONDS: '3',
      SWEEP_INTERVAL_MS: '200',
    });
    const { client } = await scene.startApi();
    // The record carries the words with which the inbox takes a mail. The proxy lets no statement that
    // holds them through: once it has shut, the worker has read the 250 and Postgres has no record of it.
    await using proxy = await openTcpProxy(scene.databaseUrl);
    const shut = proxy.shutAt('Kept as');
    const killed = await scene.startWorker({ DATABASE_URL: proxy.url });
    const { apiKey } = (await client.register(address)).body;
    await shut;
    await killed.kill();
    await proxy.become('closed');
    const first = await nextMail(scene.inbox, address);
    expect(await client.messages({ address })).toMatchObject([{ status: 'sending', attempts: 1 }]);
    // The link was on record before the mail left, so it works whatever became of the worker.
    expect(await client.check(tokenOf(first))).toEqual({ valid: true, email: address });

    await scene.startWorker();
    const second = await nextMail(scene.inbox, address, first);
    await waitUntil(
      'the second hand-over is on record',
      async () => (await client.me(apiKey)).verificationEmailStatus === 'SENT',
    );
    expect(linkOf(second).href).toBe(linkOf(first).href);
    expect(headerOf(second, 'message-id')).toBe(headerOf(first, 'message-id'));
    expect(await client.messages({ address })).toMatchObject([{ status: 'sent', attempts: 3 }]);
    expect((await client.confirm(tokenOf(first))).status).toBe(200);
    expect(await client.me(apiKey)).toMatchObject({ status: 'ACTIVE' });
    expect(await scene.inbox.messages()).toHaveLength(2);
  });
});
