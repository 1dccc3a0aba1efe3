import { openSilentPort } from '@reconfirm/local-stack';
import { describe, expect, test } from 'vitest';
import type { RunningWorker } from '../src/worker.ts';
import { startInbox } from './smtp-inbox.ts';
import { greet, startScriptedServer, takeEnvelope } from './smtp-scripted-server.ts';
import { createGate } from './support/gate.ts';
import { register, registerMany } from './support/requests.ts';
import { outlastRetryTimers } from './support/retry-timers.ts';
import { openScene } from './support/scene.ts';

outlastRetryTimers();

const stopTimed = async (worker: RunningWorker, timeoutMs: number): Promise<number> => {
  const startedMs = performance.now();
  await worker.stop(timeoutMs);
  return performance.now() - startedMs;
};

describe('a stop', () => {
  test('lets a slow send finish and records it', async () => {
    const gate = createGate();
    await using inbox = await startInbox({
      onRcptTo: (_to, _session, callback) => gate.hold(callback),
    });
    await using scene = await openScene(inbox.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    const worker = await scene.start();
    await scene.ring(messageId);
    await gate.reached;
    const stopped = stopTimed(worker, 10_000);
    gate.open();
    expect(await stopped).toBeLessThan(5000);
    expect(await scene.message(messageId)).toMatchObject({ status: 'sent', failures: 0, lost_leases: 0 });
    expect((await scene.attempts(messageId)).map(({ result }) => result)).toEqual(['accepted']);
    expect(inbox.mails).toHaveLength(1);
  });

  test('gives back a send that does not end, due at once and held against nobody', async () => {
    const gate = createGate();
    await using inbox = await startInbox();
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await dialogue.answer('MAIL FROM', '250 ok');
      await gate.pass();
    });
    await using scene = await openScene(server.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    const worker = await scene.start();
    await scene.ring(messageId);
    await gate.reached;
    expect(await stopTimed(worker, 500)).toBeLessThan(4000);

    const row = await scene.message(messageId);
    expect(row).toMatchObject({
      status: 'deferred',
      failures: 0,
      lost_leases: 0,
      lease_until: null,
      settled_at: null,
    });
    expect(row.next_at.getTime()).toBeLessThanOrEqual(Date.now());
    expect((await scene.attempts(messageId)).map(({ result }) => result)).toEqual(['given_back']);
    gate.open();
    await scene.start({ SMTP_URL: inbox.url });
    expect(await scene.settled(messageId), 'the next worker takes it').toMatchObject({
      status: 'sent',
      failures: 0,
    });
  });

  test('calls a send ambiguous whose body had left, instead of pretending that it never began', async () => {
    const gate = createGate();
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await takeEnvelope(dialogue);
      await dialogue.readMessage();
      await gate.pass();
    });
    await using scene = await openScene(server.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    const worker = await scene.start();
    await scene.ring(messageId);
    await gate.reached;
    expect(await stopTimed(worker, 500)).toBeLessThan(4000);
    expect(await scene.message(messageId)).toMatchObject({ status: 'deferred', lease_until: null });
    expect((await scene.attempts(messageId)).map(({ result }) => result)).toEqual(['ambiguous']);
    gate.open();
  });

  test('ends in its time with Redis silent and a send that does not end', async () => {
    const gate = createGate();
    await using blackhole = await openSilentPort();
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await gate.pass();
    });
    await using scene = await openScene(server.url, 'postgres');
    const { messageId } = await register(scene.db, 'reader@example.org');
    const worker = await scene.start({
      QUEUE_BACKEND: 'redis',
      REDIS_URL: `redis://127.0.0.1:${blackhole.port}`,
    });
    await gate.reached;
    expect(await stopTimed(worker, 1000)).toBeLessThan(5000);
    expect(await scene.message(messageId)).toMatchObject({
      status: 'deferred',
      failures: 0,
      lease_until: null,
    });
    gate.open();
  });

  test('begins no further message of the round that the sweep is delivering', async () => {
    const gate = createGate();
    let conversations = 0;
    await using blackhole = await openSilentPort();
    await using inbox = await startInbox({
      onRcptTo: (_to, _session, callback) => {
        conversations += 1;
        gate.hold(callback);
      },
    });
    await using scene = await openScene(inbox.url, 'postgres');
    await registerMany(scene.db, 40);
    const worker = await scene.start({
      QUEUE_BACKEND: 'redis',
      REDIS_URL: `redis://127.0.0.1:${blackhole.port}`,
      WORKER_CONCURRENCY: '2',
    });
    await gate.reached;
    const stopped = stopTimed(worker, 5000);
    gate.open();
    expect(await stopped).toBeLessThan(8000);
    expect(conversations).toBeLessThanOrEqual(4);
    const { length: sent } = await scene.db
      .selectFrom('messages')
      .select('id')
      .where('status', '=', 'sent')
      .execute();
    expect(sent, 'every conversation that began was finished').toBe(inbox.mails.length);
    const held = await scene.db
      .selectFrom('messages')
      .select('id')
      .where('lease_until', 'is not', null)
      .execute();
    expect(held).toEqual([]);
  }, 40_000);
});

test('a worker whose ops port is taken does not start, and leaves nothing open', async () => {
  await using taken = await openSilentPort();
  await using scene = await openScene('smtp://127.0.0.1:9');
  await expect(scene.start({ OPS_PORT: String(taken.port) })).rejects.toThrow(/EADDRINUSE/);
});
