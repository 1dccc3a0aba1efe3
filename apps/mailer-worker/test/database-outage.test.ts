import { openDatabase } from '@reconfirm/db/database';
import { openTcpProxy } from '@reconfirm/local-stack';
import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { createGate } from './support/gate.ts';
import { askOps } from './support/ops-port.ts';
import { register, registerMany } from './support/requests.ts';
import { outlastRetryTimers } from './support/retry-timers.ts';
import { openScene } from './support/scene.ts';

// On Postgres a replaced worker also lets its last wait for stalled jobs run out: 15 s.
outlastRetryTimers();

test('a mail that the server took while the database was away is recorded as sent, and goes once', async () => {
  const gate = createGate();
  await using inbox = await startInbox({
    onRcptTo: (_to, _session, callback) => gate.hold(callback),
  });
  await using scene = await openScene(inbox.url);
  await using proxy = await openTcpProxy(scene.databaseUrl);
  const { messageId } = await register(scene.db, 'reader@example.org');
  const worker = await scene.start({ DATABASE_URL: proxy.url, LEASE_SECONDS: '10' });
  await scene.ring(messageId);
  await gate.reached;
  await proxy.become('closed');
  gate.open();
  await eventually('the server took the mail', () => inbox.mails.length === 1);
  await eventually('the worker noticed', async () => (await askOps(worker, '/readyz')).status === 503);
  expect((await askOps(worker, '/livez')).status, 'restarting would not bring the database back').toBe(200);
  await neverDuring(
    'somebody else moved it',
    2000,
    async () => (await scene.message(messageId)).status !== 'sending',
  );
  await proxy.become('open');

  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent', failures: 0, lost_leases: 0 });
  expect((await scene.attempts(messageId)).map(({ result }) => result)).toEqual(['accepted']);
  expect(inbox.mails).toHaveLength(1);
  await eventually('the worker is ready again', async () => (await askOps(worker, '/readyz')).status === 200);
}, 40_000);

test('messages that were due while the database was away are all sent once, without anybody ringing again', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await using proxy = await openTcpProxy(scene.databaseUrl);
  await scene.start({ DATABASE_URL: proxy.url });
  await proxy.become('closed');
  const ids = await registerMany(scene.db, 30);
  await scene.ring(...ids);
  await eventually('the sweep felt it', () =>
    scene.lines.some((line) => line['msg'] === 'sweep.step_failed'),
  );
  await proxy.become('open');
  for (const id of ids)
    expect(await scene.settled(id, 20_000)).toMatchObject({ status: 'sent', lost_leases: 0 });
  expect(inbox.mails).toHaveLength(30);
}, 40_000);

test('a message whose hand-over had not begun when the database went away is given back, and goes once, long before its lease is over', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await using proxy = await openTcpProxy(scene.databaseUrl);
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.start({ DATABASE_URL: proxy.url, LEASE_SECONDS: '300' });
  const claimed = proxy.shutAt('INTO attempts');
  await scene.ring(messageId);
  await claimed;
  expect(await scene.message(messageId)).toMatchObject({ status: 'sending', attempt: 1 });
  await proxy.become('open');

  expect(await scene.settled(messageId, 20_000)).toMatchObject({
    status: 'sent',
    lost_leases: 0,
    failures: 0,
  });
  expect(inbox.mails).toHaveLength(1);
}, 40_000);

test('a connection that dies between two statements of a transaction fails the transaction, not the process', async () => {
  await using scene = await openScene('smtp://127.0.0.1:9');
  await using proxy = await openTcpProxy(scene.databaseUrl);
  const lost: Error[] = [];
  const db = openDatabase({
    url: proxy.url,
    poolMax: 2,
    timeoutMs: 1000,
    applicationName: 'test-outage',
    onIdleError: (error) => lost.push(error),
  });
  const work = db.transaction().execute(async (tx) => {
    await tx.selectFrom('messages').select('id').execute();
    await proxy.become('closed');
    // Without a listener on a connection in use, its end is an uncaught exception.
    await eventually('the loss is told', () => lost.length > 0);
    await tx.selectFrom('messages').select('id').execute();
  });
  await expect(work).rejects.toThrow(/^(?!not within)/);
  await db.destroy();
});
