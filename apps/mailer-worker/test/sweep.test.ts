import { randomBytes } from 'node:crypto';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { acceptMessages } from '@reconfirm/db/accept-messages';
import { storeDeliveryEvent, storeEventsForLater } from '@reconfirm/db/delivery-events';
import { describe, expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { readMetric } from './support/ops-port.ts';
import { makeRequest, register, registerMany } from './support/requests.ts';
import { openScene } from './support/scene.ts';

describe('a ring that was never heard', () => {
  test('is made good by the sweep', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    const worker = await scene.start();
    const { messageId } = await register(scene.db, 'reader@example.org');
    expect(await scene.settled(messageId, 5000)).toMatchObject({ status: 'sent' });
    expect(await readMetric(worker, 'reconfirm_swept_total{what="rung"}')).toBeGreaterThan(0);
    expect(inbox.mails).toHaveLength(1);
  });

  test('stays unheard without the sweep: nothing else repairs it', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    // Its first round is over before the message is there; the second would come after a minute.
    const worker = await scene.start({ SWEEP_INTERVAL_MS: '60000' });
    await eventually(
      'the first round is over',
      async () => (await readMetric(worker, 'reconfirm_oldest_due_seconds')) === 0,
    );
    const { messageId } = await register(scene.db, 'reader@example.org');
    await neverDuring(
      'it was sent all the same',
      3000,
      async () => (await scene.message(messageId)).attempt > 0,
    );
    await scene.ring(messageId);
    expect(await scene.settled(messageId), 'it was only the ring that was missing').toMatchObject({
      status: 'sent',
    });
  });
});

describeWithRedis('a Redis that is emptied', () => {
  test('before anybody listened costs no message', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url, 'redis');
    const ids = await registerMany(scene.db, 20);
    await scene.ring(...ids);
    await scene.emptyRedis();
    await scene.start();
    for (const id of ids) expect(await scene.settled(id)).toMatchObject({ status: 'sent' });
    expect(inbox.mails).toHaveLength(20);
  });

  test('with 200 messages pending costs none of them, and none goes twice', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url, 'redis');
    const ids = await registerMany(scene.db, 200);
    const few = { WORKER_CONCURRENCY: '4' };
    await Promise.all([scene.start(few), scene.start(few)]);
    await scene.ring(...ids);
    await eventually('some are sent', () => inbox.mails.length > 10);
    await scene.emptyRedis();
    expect(inbox.mails.length, 'most are still pending').toBeLessThan(150);
    for (const id of ids) expect(await scene.settled(id, 30_000)).toMatchObject({ status: 'sent' });
    expect(inbox.mails).toHaveLength(200);
    expect(new Set(inbox.mails.map((mail) => mail.email.messageId)).size).toBe(200);
  }, 60_000);
});

describeWithRedis('a Redis that lost its waiting list and kept the jobs', () => {
  test('swallows every ring, and the sweep delivers the message itself', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url, 'redis');
    const { messageId } = await register(scene.db, 'reader@example.org');
    await scene.ring(messageId);
    await scene.loseWaitingList();
    const worker = await scene.start();
    await neverDuring(
      'it was heard all the same',
      2000,
      async () => (await scene.message(messageId)).attempt > 0,
    );
    await scene.skipWait(messageId);
    expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });
    const without = 'reconfirm_swept_total{what="tried_without_queue"}';
    await eventually('it is counted', async () => (await readMetric(worker, without)) === 1);
    expect(inbox.mails).toHaveLength(1);
  });
});

test('a report that came before its message was known is applied when it is', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const request = makeRequest('reader@example.org');
  const outcome = await storeDeliveryEvent(scene.db, {
    provider: 'mailgun',
    event: { type: 'delivered', eventId: 'event-1', messageId: request.id, occurredAt: new Date() },
    replayKey: randomBytes(32),
    bodyHash: randomBytes(32),
  });
  expect(outcome).toBe('parked');
  const worker = await scene.start();
  await acceptMessages(scene.db, [request]);
  await eventually(
    'the report is applied',
    async () => (await scene.message(request.id)).status === 'delivered',
  );
  await eventually(
    'it is counted',
    async () => (await readMetric(worker, 'reconfirm_swept_total{what="event_applied"}')) === 1,
  );
  expect(inbox.mails, 'what was delivered is not sent').toEqual([]);
});

test('a report that was stored, and by nobody applied for hours, is applied by the first worker that starts', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const requests = Array.from({ length: 250 }, (_, index) => makeRequest(`reader-${index}@example.org`));
  await acceptMessages(scene.db, requests);
  // An API answered, and ended before it had applied them; no worker ran.
  await storeEventsForLater(
    scene.db,
    requests.map(({ id: messageId }) => ({
      provider: 'sendgrid',
      event: { type: 'bounced', bounce: 'soft', eventId: messageId, messageId, occurredAt: new Date() },
      bodyHash: randomBytes(32),
    })),
  );
  await scene.db
    .updateTable('delivery_events')
    .set({ received_at: new Date(Date.now() - 30 * 3_600_000) })
    .execute();
  await scene.start();
  for (const { id } of requests) await scene.settled(id, 20_000);
  const left = await scene.db
    .selectFrom('delivery_events')
    .select('id')
    .where('applied_at', 'is', null)
    .execute();
  expect(left).toEqual([]);
});

test('an account that nobody proved in time lapses by the sweep where a time is set, and never otherwise', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { accountId, messageId } = await register(scene.db, 'reader@example.org');
  const isThere = async (): Promise<boolean> =>
    (await scene.db.selectFrom('accounts').select('id').where('id', '=', accountId).executeTakeFirst()) !==
    undefined;
  const worker = await scene.start();
  await scene.settled(messageId);
  const past = new Date(Date.now() - 8 * 86_400_000);
  await scene.db.updateTable('accounts').set({ created_at: past }).where('id', '=', accountId).execute();
  await scene.db.updateTable('verifications').set({ expires_at: past }).execute();
  await worker.stop(2000);
  const keeping = await scene.start();
  await eventually(
    'a round is over',
    async () => (await readMetric(keeping, 'reconfirm_oldest_due_seconds')) === 0,
  );
  await keeping.stop(2000);
  expect(await isThere()).toBe(true);
  await scene.start({ PENDING_ACCOUNT_DAYS: '7' });
  await eventually('it is gone', async () => !(await isThere()));
});
