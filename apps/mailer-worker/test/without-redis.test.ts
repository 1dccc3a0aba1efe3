import { openSilentPort, openTcpProxy, type TcpProxy } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { describe, expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { askOps, readMetric } from './support/ops-port.ts';
import { registerMany } from './support/requests.ts';
import { outlastRetryTimers } from './support/retry-timers.ts';
import { openScene } from './support/scene.ts';

outlastRetryTimers();

const withRedisAt = (port: number) => ({ QUEUE_BACKEND: 'redis', REDIS_URL: `redis://127.0.0.1:${port}` });

/** A port where nobody listens: its server has just been closed. */
const findClosedPort = async (): Promise<number> => {
  await using proxy = await openSilentPort();
  return proxy.port;
};

interface Absence extends AsyncDisposable {
  readonly port: number;
}

const absences: readonly (readonly [string, () => Promise<Absence>])[] = [
  [
    'refuses connections',
    async () => ({ port: await findClosedPort(), [Symbol.asyncDispose]: async () => {} }),
  ],
  ['takes connections and never answers', (): Promise<TcpProxy> => openSilentPort()],
];

describe.each(absences)('with a Redis that %s', (_, openAbsence) => {
  test('a worker starts, delivers everything once and says that the queue is away', async () => {
    await using absence = await openAbsence();
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url, 'postgres');
    const ids = await registerMany(scene.db, 60);
    const worker = await scene.start(withRedisAt(absence.port));
    for (const id of ids) expect(await scene.settled(id, 20_000)).toMatchObject({ status: 'sent' });
    expect(inbox.mails).toHaveLength(60);
    await eventually(
      'the queue counts as away',
      async () => (await readMetric(worker, 'reconfirm_queue_working')) === 0,
      15_000,
    );
    expect((await askOps(worker, '/readyz')).status, 'mail goes, so the worker is ready').toBe(200);
  }, 60_000);

  test('two workers do not deliver anything twice', async () => {
    await using absence = await openAbsence();
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url, 'postgres');
    const ids = await registerMany(scene.db, 60);
    await Promise.all([scene.start(withRedisAt(absence.port)), scene.start(withRedisAt(absence.port))]);
    for (const id of ids) await scene.settled(id, 20_000);
    expect(inbox.mails).toHaveLength(60);
  }, 60_000);

  test('a worker with nothing in hand stops within its time', async () => {
    await using absence = await openAbsence();
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url, 'postgres');
    const [id = ''] = await registerMany(scene.db, 1);
    const worker = await scene.start(withRedisAt(absence.port));
    await scene.settled(id, 20_000);
    const startedMs = performance.now();
    await worker.stop(2000);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  }, 40_000);
});

describeWithRedis('a Redis that goes away and comes back', (redisUrl) => {
  test('costs no message, and is used again by itself', async () => {
    await using inbox = await startInbox();
    // Before the scene, so that it closes after it: BullMQ never ends with a Redis that goes away just then.
    await using proxy = await openTcpProxy(redisUrl);
    await using scene = await openScene(inbox.url, 'redis');
    const worker = await scene.start({ REDIS_URL: proxy.url });
    await proxy.become('closed');
    const ids = await registerMany(scene.db, 30);
    for (const id of ids) expect(await scene.settled(id, 20_000)).toMatchObject({ status: 'sent' });
    expect(await readMetric(worker, 'reconfirm_queue_working')).toBe(0);
    await proxy.become('open');
    const [later = ''] = await registerMany(scene.db, 1, 'later');
    await scene.settled(later, 20_000);
    await eventually(
      'the queue counts as there',
      async () => (await readMetric(worker, 'reconfirm_queue_working')) === 1,
    );
    const [last = ''] = await registerMany(scene.db, 1, 'last');
    await scene.ring(last);
    await scene.settled(last);
    expect(inbox.mails).toHaveLength(32);
  }, 60_000);
});
