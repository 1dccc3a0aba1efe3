import { claimMessages } from '@reconfirm/db/claims';
import { reclaimExpiredLeases } from '@reconfirm/db/due-messages';
import { expect, test } from 'vitest';
import { keepLeases } from '../src/leases.ts';
import type { SendResult } from '../src/transports/transport.ts';
import { startInbox } from './smtp-inbox.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { createGate } from './support/gate.ts';
import { linkIn } from './support/mail-token.ts';
import { openDelivery } from './support/open-delivery.ts';
import { register } from './support/requests.ts';
import { openScene } from './support/scene.ts';

const accepted: SendResult = { kind: 'accepted', reply: '250 queued' };

test('a send that outlasts its lease is not taken over while it is renewed', async () => {
  const gate = createGate();
  let conversations = 0;
  await using inbox = await startInbox({
    onRcptTo: (_to, _session, callback) => {
      conversations += 1;
      gate.hold(callback);
    },
  });
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  await Promise.all([scene.start(), scene.start()]);
  await scene.ring(messageId);
  await gate.reached;
  // The lease is 3 s; both workers sweep every 0.2 s and would reclaim it at once.
  await neverDuring('another worker took it', 4500, () => conversations !== 1);
  gate.open();
  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent', attempt: 1, lost_leases: 0 });
  expect(inbox.mails).toHaveLength(1);
});

test('a lease that nobody renews runs out: the renewal is what holds it', async () => {
  await using scene = await openScene('smtp://127.0.0.1:9');
  const { messageId } = await register(scene.db, 'reader@example.org');
  const [claimed] = await claimMessages(scene.db, [messageId], 1);
  if (claimed === null || claimed === undefined) throw new Error('not claimed');
  const keeper = keepLeases({ db: scene.db, leaseSeconds: 1, held: () => [claimed], log: scene.log });
  try {
    await neverDuring(
      'a renewed lease is reclaimed',
      1500,
      async () => (await reclaimExpiredLeases(scene.db, 10)) > 0,
    );
  } finally {
    keeper.stop();
  }
  const reclaimed = await eventually('it is reclaimed', () => reclaimExpiredLeases(scene.db, 10), 3000);
  expect(reclaimed).toBe(1);
});

test('the message of a worker that died is sent by another, with the link that was promised first', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  const texts: string[] = [];
  const dead = await openDelivery(scene, {}, (mail) => {
    texts.push(mail.text);
    return new Promise(() => {});
  });
  void dead.delivery.deliver(messageId);
  await eventually('the first worker is in the middle of its send', () => texts.length === 1);
  await scene.endLease(messageId);

  await scene.start();
  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent', lost_leases: 1, failures: 0 });
  expect(texts[0]).toContain(linkIn(inbox.mails[0]).href);
  expect((await scene.attempts(messageId)).map(({ result }) => result)).toEqual([null, 'accepted']);
});

test('the word of a slow worker that its mail was taken is recorded, although its lease is gone', async () => {
  await using scene = await openScene('smtp://127.0.0.1:9');
  const { messageId } = await register(scene.db, 'reader@example.org');
  const gate = createGate();
  const slow = await openDelivery(scene, {}, async () => {
    await gate.pass();
    return accepted;
  });
  const work = slow.delivery.deliver(messageId);
  await gate.reached;
  await scene.endLease(messageId);
  expect(await reclaimExpiredLeases(scene.db, 10)).toBe(1);
  gate.open();
  await work;
  expect(await scene.message(messageId)).toMatchObject({ status: 'sent', lost_leases: 1 });
  expect(await claimMessages(scene.db, [messageId], 60), 'nobody sends it again').toEqual([null]);
});

test('a slow worker whose lease is gone can neither fail nor defer the message of the new holder', async () => {
  await using scene = await openScene('smtp://127.0.0.1:9');
  const { messageId } = await register(scene.db, 'reader@example.org');
  const gate = createGate();
  const slow = await openDelivery(scene, {}, async () => {
    await gate.pass();
    return { kind: 'failed', failure: { kind: 'permanent', code: 'recipient_refused' }, reply: '550 no' };
  });
  const work = slow.delivery.deliver(messageId);
  await gate.reached;
  await scene.endLease(messageId);
  await reclaimExpiredLeases(scene.db, 10);
  const [claimed] = await claimMessages(scene.db, [messageId], 60);
  gate.open();
  await work;
  expect(await scene.message(messageId)).toMatchObject({
    status: 'sending',
    attempt: claimed?.attempt,
    failures: 0,
  });
});

test('a worker that lost its lease before the first byte sends nothing', async () => {
  await using scene = await openScene('smtp://127.0.0.1:9');
  const { messageId } = await register(scene.db, 'reader@example.org');
  let sends = 0;
  const late = await openDelivery(scene, {}, () => {
    sends += 1;
    return Promise.resolve(accepted);
  });
  const claimAndLose = late.store.claim;
  late.store.claim = async (id) => {
    const claimed = await claimAndLose(id);
    await scene.endLease(id);
    await reclaimExpiredLeases(scene.db, 10);
    return claimed;
  };
  await late.delivery.deliver(messageId);
  expect(sends).toBe(0);
  expect(await scene.attempts(messageId)).toEqual([]);
  expect(await scene.message(messageId)).toMatchObject({ status: 'deferred', settled_at: null });
});
