import { describe, expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { createEndpoint, logOf, untilDelivery, verifySomebody } from './support/endpoints.ts';
import { eventually } from './support/eventually.ts';
import { registerMany } from './support/requests.ts';
import { startReceiver } from './support/receiver.ts';
import { openScene } from './support/scene.ts';

const onLoopback = { EVENT_LOOPBACK: 'on' };
const onlyVerified = ['verification.completed'];

/** How long 200 mails take, from the first that is in the inbox to the last. */
const sendTimeMs = async (scene: Awaited<ReturnType<typeof openScene>>, name: string): Promise<number> => {
  const startMs = performance.now();
  const ids = await registerMany(scene.db, 200, name);
  await scene.ring(...ids);
  for (const id of ids) expect(await scene.settled(id, 30_000)).toMatchObject({ status: 'sent' });
  return performance.now() - startMs;
};

describe('a receiver that is silent', () => {
  test('delays neither the mails of the worker nor the events of another receiver', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using well = await startReceiver();
    await using silent = await startReceiver(() => 'silence');
    await scene.start(onLoopback);
    const aloneMs = await sendTimeMs(scene, 'before');
    await createEndpoint(scene, well.url);
    for (let i = 0; i < 3; i += 1) await createEndpoint(scene, silent.url);
    const besideMs = await sendTimeMs(scene, 'beside');
    expect(inbox.mails).toHaveLength(400);
    // 200 events went to each of the silent ones too: at 10 s each they would take minutes.
    expect(besideMs).toBeLessThan(aloneMs * 3 + 2000);
    await eventually('the other receiver has them all', () => well.received.length >= 200, 15_000);
    expect(silent.received.length).toBeLessThanOrEqual(24);
  }, 90_000);

  test('is given up after ten seconds, and is failed for a timeout', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using silent = await startReceiver(() => 'silence');
    const endpoint = await createEndpoint(scene, silent.url, onlyVerified);
    await scene.start(onLoopback);
    await verifySomebody(scene);
    const delivery = await untilDelivery(scene, endpoint, ({ failures }) => failures === 1, 15_000);
    expect(delivery.attempts).toMatchObject([{ failure: 'timeout' }]);
    expect(delivery.attempts[0]?.tookMs).toBeGreaterThan(9900);
    expect(delivery.attempts[0]?.tookMs).toBeLessThan(12_000);
  }, 30_000);
});

describe('a worker that stops', () => {
  test('waits for the answer that is on its way, and it counts', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver();
    const endpoint = await createEndpoint(scene, receiver.url, onlyVerified);
    const worker = await scene.start(onLoopback);
    await verifySomebody(scene);
    await eventually('it arrived', () => receiver.received.length === 1);
    await worker.stop(5000);
    expect(await logOf(scene, endpoint)).toMatchObject([{ status: 'delivered' }]);
  });

  test('gives back what is not answered in time, due at once for another, with no attempt used up', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver(() => 'silence');
    const endpoint = await createEndpoint(scene, receiver.url, onlyVerified);
    const worker = await scene.start(onLoopback);
    await verifySomebody(scene);
    await eventually('it arrived', () => receiver.received.length === 1);
    await worker.stop(300);
    expect(await logOf(scene, endpoint)).toMatchObject([{ status: 'pending', failures: 0, attempts: [] }]);
    receiver.answer(() => 200);
    await scene.start(onLoopback);
    await untilDelivery(scene, endpoint, ({ status }) => status === 'delivered');
    expect(receiver.received).toHaveLength(2);
  });
});

test('four workers deliver each of 100 events once', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await using receiver = await startReceiver();
  await createEndpoint(scene, receiver.url, onlyVerified);
  await Promise.all(Array.from({ length: 4 }, () => scene.start(onLoopback)));
  for (let i = 0; i < 100; i += 1) await verifySomebody(scene);
  await eventually('all arrive', () => receiver.received.length >= 100, 20_000);
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  expect(ids).toHaveLength(100);
  expect(new Set(ids).size).toBe(100);
}, 60_000);
