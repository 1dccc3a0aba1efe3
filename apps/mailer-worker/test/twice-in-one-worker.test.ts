import { expect, test } from 'vitest';
import { createDeliveryStore } from '../src/delivery-store.ts';
import { keepLeases } from '../src/leases.ts';
import type { SendResult } from '../src/transports/transport.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { createGate } from './support/gate.ts';
import { openDelivery } from './support/open-delivery.ts';
import { register } from './support/requests.ts';
import { openScene } from './support/scene.ts';

const accepted: SendResult = { kind: 'accepted', reply: '250 queued' };
const nowhere = 'smtp://127.0.0.1:9';

test('two claims of one message in one batch give it out once', async () => {
  await using scene = await openScene(nowhere);
  const { messageId } = await register(scene.db, 'reader@example.org');
  const store = createDeliveryStore({
    db: scene.db,
    channel: 'email',
    leaseSeconds: 60,
    recordPatienceMs: 1000,
    suppressDays: [],
  });
  const claims = await Promise.all([store.claim(messageId), store.claim(messageId), store.claim(messageId)]);
  expect(claims.map((claimed) => claimed?.id ?? null)).toEqual([messageId, null, null]);
  expect(await scene.message(messageId)).toMatchObject({ attempt: 1, lost_leases: 0 });
});

test('two jobs of one message in one worker send it once, whenever the second comes', async () => {
  await using scene = await openScene(nowhere);
  const { messageId } = await register(scene.db, 'reader@example.org');
  const gate = createGate();
  let sends = 0;
  const { delivery } = await openDelivery(scene, {}, async () => {
    sends += 1;
    await gate.pass();
    return accepted;
  });
  const together = [delivery.deliver(messageId), delivery.deliver(messageId)];
  await gate.reached;
  await delivery.deliver(messageId);
  // Nor when the lease ran out meanwhile: this worker knows that it has the message in hand.
  await scene.endLease(messageId);
  await delivery.deliver(messageId);
  expect(
    delivery.held(),
    'the second job does not take the first one’s message out of its hands',
  ).toHaveLength(1);
  gate.open();
  await Promise.all(together);
  expect(sends).toBe(1);
  expect(delivery.held()).toEqual([]);
  expect(await scene.message(messageId)).toMatchObject({ status: 'sent', attempt: 1 });
});

test('a second job leaves the lease of the first one renewed', async () => {
  await using scene = await openScene(nowhere);
  const { messageId } = await register(scene.db, 'reader@example.org');
  const gate = createGate();
  const { delivery } = await openDelivery(scene, {}, async () => {
    await gate.pass();
    return accepted;
  });
  const leases = keepLeases({ db: scene.db, leaseSeconds: 3, held: delivery.held, log: scene.log });
  try {
    const together = [delivery.deliver(messageId), delivery.deliver(messageId)];
    await gate.reached;
    await delivery.deliver(messageId);
    const before = (await scene.message(messageId)).lease_until?.getTime() ?? 0;
    await eventually(
      'it is renewed',
      async () => ((await scene.message(messageId)).lease_until?.getTime() ?? 0) > before,
      4000,
    );
    await neverDuring(
      'it ran out',
      3500,
      async () => ((await scene.message(messageId)).lease_until?.getTime() ?? 0) < Date.now(),
    );
    gate.open();
    await Promise.all(together);
  } finally {
    leases.stop();
  }
  expect(await scene.message(messageId)).toMatchObject({ status: 'sent', attempt: 1, lost_leases: 0 });
});
