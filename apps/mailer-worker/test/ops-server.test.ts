import { Registry } from '@prometheus-io/client';
import { expect, test } from 'vitest';
import { type OpsServer, type Problems, startOpsServer } from '../src/ops-server.ts';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { askOps, readMetric } from './support/ops-port.ts';
import { register } from './support/requests.ts';
import { openScene } from './support/scene.ts';

const none: Problems = () => Promise.resolve([]);

const open = async (
  changes: { live?: Problems; ready?: Problems } = {},
): Promise<OpsServer & AsyncDisposable & { opsPort: number }> => {
  const server = await startOpsServer({
    host: '127.0.0.1',
    port: 0,
    live: none,
    ready: none,
    registry: new Registry(),
    ...changes,
  });
  return { ...server, opsPort: server.port, [Symbol.asyncDispose]: server.close };
};

test('a healthy process answers 200 on both probes', async () => {
  await using server = await open();
  for (const path of ['/livez', '/readyz'])
    expect(await askOps(server, path)).toMatchObject({ status: 200, body: '{"status":"ok","problems":[]}' });
});

test('every problem is told, with 503, on the probe it belongs to', async () => {
  await using server = await open({ ready: () => Promise.resolve(['one', 'two']) });
  expect(await askOps(server, '/readyz')).toMatchObject({
    status: 503,
    body: '{"status":"not ok","problems":["one","two"]}',
  });
  expect((await askOps(server, '/livez')).status).toBe(200);
});

test('a probe that fails is a 500 and not the end of the process', async () => {
  await using server = await open({ ready: () => Promise.reject(new Error('secret detail')) });
  expect(await askOps(server, '/readyz')).toMatchObject({ status: 500, body: '' });
  expect((await askOps(server, '/livez')).status).toBe(200);
});

test.each(['/', '/nothing', '/__proto__', '/constructor', '/readyz/x'])('%s is not there', async (path) => {
  await using server = await open();
  expect((await askOps(server, path)).status).toBe(404);
});

test('a query does not hide a route', async () => {
  await using server = await open();
  expect((await askOps(server, '/livez?verbose=1')).status).toBe(200);
});

test('the metrics count what was sent, and say how long the oldest message waits', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  const worker = await scene.start();
  await scene.ring(messageId);
  await scene.settled(messageId);
  await eventually(
    'the send is counted',
    async () =>
      (await readMetric(worker, 'reconfirm_messages_done_total{outcome="sent",reason="none"}')) === 1,
  );
  await eventually(
    'a round of the sweep found nothing due',
    async () => (await readMetric(worker, 'reconfirm_oldest_due_seconds')) === 0,
  );
  expect(await readMetric(worker, 'reconfirm_messages_in_hand')).toBe(0);
  expect((await askOps(worker, '/metrics')).body).not.toContain('reader');
});
