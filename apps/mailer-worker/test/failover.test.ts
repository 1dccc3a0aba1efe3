import type { Environment } from '@reconfirm/core/config/config';
import { openSilentPort } from '@reconfirm/local-stack';
import { expect, test } from 'vitest';
import { type Inbox, startInbox } from './smtp-inbox.ts';
import { greet, startScriptedServer, takeEnvelope } from './smtp-scripted-server.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { askOps, readMetric } from './support/ops-port.ts';
import { register, registerMany } from './support/requests.ts';
import { openScene } from './support/scene.ts';

const failsOverTo = (second: Pick<Inbox, 'url'>): Environment => ({
  EMAIL_FAILOVER_PROVIDER: 'smtp',
  SMTP_FAILOVER_URL: second.url,
  // Only what has become due by itself is sent again here.
  SWEEP_INTERVAL_MS: '500',
});

/** A port where nobody listens: its server has just been closed. */
const closedUrl = async (): Promise<string> => {
  await using proxy = await openSilentPort();
  return `smtp://127.0.0.1:${proxy.port}`;
};

/** A server that lets nobody in, until it is told to. */
const startGuarded = async () => {
  let isOpen = false;
  const inbox = await startInbox({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (_auth, _session, callback) => {
      if (isOpen) callback(null, { user: 'user' });
      else callback(Object.assign(new Error('5.7.8 wrong'), { responseCode: 535 }));
    },
  });
  return {
    inbox,
    url: inbox.url.replace('smtp://', 'smtp://user:password@'),
    letIn: () => void (isOpen = true),
  };
};

/** A server that answers RCPT TO with that code. */
const startRefusing = (responseCode: number): Promise<Inbox> =>
  startInbox({
    onRcptTo: (_to, _session, callback) => callback(Object.assign(new Error('no'), { responseCode })),
  });

test('a message that the first provider refuses for our set-up goes by the second at once, and everybody is told', async () => {
  const first = await startGuarded();
  await using firstInbox = first.inbox;
  await using second = await startInbox();
  await using scene = await openScene(first.url);
  const worker = await scene.start(failsOverTo(second));
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.ring(messageId);
  expect(await scene.settled(messageId, 10_000)).toMatchObject({
    status: 'sent',
    failures: 0,
    provider: 'smtp_failover',
  });
  expect(
    (await scene.attempts(messageId)).map(({ provider, result, code }) => ({ provider, result, code })),
  ).toEqual([
    { provider: 'smtp', result: 'misconfigured', code: 'auth' },
    { provider: 'smtp_failover', result: 'accepted', code: null },
  ]);
  expect([firstInbox.mails.length, second.mails.length]).toEqual([0, 1]);

  const ready = await askOps(worker, '/readyz');
  expect(ready.status, 'mail goes').toBe(200);
  expect(JSON.parse(ready.body)).toEqual({
    status: 'ok',
    problems: [],
    warnings: ['the mail provider smtp refuses our set-up (auth); smtp_failover carries meanwhile'],
  });
  expect(await readMetric(worker, 'reconfirm_provider_open{channel="email",provider="smtp"}')).toBe(0);
  expect(await readMetric(worker, 'reconfirm_provider_open{channel="email",provider="smtp_failover"}')).toBe(
    1,
  );
  expect(await readMetric(worker, 'reconfirm_messages_done_total{outcome="failed_over",reason="auth"}')).toBe(
    1,
  );
  expect(scene.lines).toContainEqual(
    expect.objectContaining({
      msg: 'provider.changed',
      open: false,
      provider: 'smtp',
      failure: 'auth',
      level: 50,
    }),
  );
});

test('a first provider that cannot be reached is left alone after a few messages', async () => {
  await using second = await startInbox();
  await using scene = await openScene(await closedUrl());
  const worker = await scene.start({ ...failsOverTo(second), WORKER_CONCURRENCY: '1' });
  const ids = await registerMany(scene.db, 12);
  await scene.ring(...ids);
  for (const id of ids)
    expect(await scene.settled(id, 15_000)).toMatchObject({ status: 'sent', failures: 0 });
  const attempts = (await Promise.all(ids.map(scene.attempts))).flat();
  const firstTries = attempts.filter(({ provider }) => provider === 'smtp');
  // Three close the way; a probe may have gone ahead meanwhile on a slow machine.
  expect(firstTries.length).toBeGreaterThanOrEqual(3);
  expect(firstTries.length).toBeLessThan(6);
  expect(new Set(firstTries.map(({ code }) => code))).toEqual(new Set(['connect']));
  expect(second.mails).toHaveLength(12);
  expect((await askOps(worker, '/readyz')).body).toContain('smtp cannot be reached (connect)');
});

test('what the first provider may have taken does not go to the second, also when others do', async () => {
  await using first = await startScriptedServer(async (dialogue) => {
    await greet(dialogue);
    await takeEnvelope(dialogue);
    await dialogue.readMessage();
    dialogue.socket.destroy();
  });
  await using second = await startInbox();
  await using scene = await openScene(first.url);
  await scene.start(failsOverTo(second));
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.ring(messageId);
  await eventually(
    'the attempt is recorded',
    async () => (await scene.attempts(messageId))[0]?.result === 'ambiguous',
  );
  await neverDuring('it went to the second', 1000, () => second.mails.length > 0);
  expect(await scene.message(messageId)).toMatchObject({ status: 'deferred', failures: 1, attempt: 1 });
});

test.each([
  ['refuses the recipient for good', 550, 'bounced'],
  ['refuses the recipient for now', 450, 'deferred'],
] as const)(
  'a first provider that %s has the last word: the second is not asked',
  async (_, code, status) => {
    await using first = await startRefusing(code);
    await using second = await startInbox();
    await using scene = await openScene(first.url);
    await scene.start(failsOverTo(second));
    const { messageId } = await register(scene.db, 'reader@example.org');
    await scene.ring(messageId);
    await eventually(
      'the attempt is recorded',
      async () => (await scene.message(messageId)).status === status,
    );
    expect((await scene.attempts(messageId)).map(({ provider }) => provider)).toEqual(['smtp']);
    expect(second.mails).toEqual([]);
  },
);

test('when the first provider is right again, it carries again', async () => {
  const first = await startGuarded();
  await using firstInbox = first.inbox;
  await using second = await startInbox();
  await using scene = await openScene(first.url);
  const worker = await scene.start(failsOverTo(second));
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.ring(messageId);
  await scene.settled(messageId, 10_000);
  first.letIn();
  let count = 0;
  await eventually(
    'the first provider carries a message',
    async () => {
      const { messageId: next } = await register(scene.db, `reader-${(count += 1)}@example.org`);
      await scene.ring(next);
      await scene.settled(next, 10_000);
      return firstInbox.mails.length > 0;
    },
    20_000,
  );
  expect(await readMetric(worker, 'reconfirm_provider_open{channel="email",provider="smtp"}')).toBe(1);
  expect(JSON.parse((await askOps(worker, '/readyz')).body)).toEqual({ status: 'ok', problems: [] });
  const before = second.mails.length;
  const { messageId: last } = await register(scene.db, 'last@example.org');
  await scene.ring(last);
  expect(await scene.settled(last)).toMatchObject({ provider: 'smtp' });
  expect(second.mails.length, 'the second is not asked any more').toBe(before);
}, 40_000);

test('while both refuse us, no message is touched or held against anybody, and the worker is not ready', async () => {
  const [first, second] = [await startGuarded(), await startGuarded()];
  await using firstInbox = first.inbox;
  await using secondInbox = second.inbox;
  await using scene = await openScene(first.url);
  const worker = await scene.start(failsOverTo(second));
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.ring(messageId);
  await eventually('both ways are closed', async () => (await askOps(worker, '/readyz')).status === 503);
  expect(await scene.message(messageId)).toMatchObject({ status: 'deferred', reason: 'auth', failures: 0 });
  const { messageId: other } = await register(scene.db, 'other@example.org');
  await scene.ring(other);
  await neverDuring('it was tried', 1000, async () => (await scene.message(other)).attempt > 0);
  first.letIn();
  expect(await scene.settled(messageId, 20_000)).toMatchObject({ status: 'sent', failures: 0 });
  expect(await scene.settled(other, 20_000)).toMatchObject({ status: 'sent' });
  expect(firstInbox.mails.length + secondInbox.mails.length).toBe(2);
}, 60_000);

test('the second provider gets its messages at its own rate', async () => {
  const beganMs: number[] = [];
  await using second = await startInbox({
    onMailFrom: (_from, _session, callback) => {
      beganMs.push(performance.now());
      callback();
    },
  });
  await using scene = await openScene(await closedUrl());
  await scene.start({ ...failsOverTo(second), EMAIL_FAILOVER_SEND_RATE: '5/1' });
  const ids = await registerMany(scene.db, 20);
  await scene.ring(...ids);
  for (const id of ids) await scene.settled(id, 30_000);
  expect(second.mails).toHaveLength(20);
  // The first is seen late, because it opens its connection.
  expect((beganMs.at(-1) ?? 0) - (beganMs[0] ?? 0)).toBeGreaterThan(3000);
}, 60_000);
