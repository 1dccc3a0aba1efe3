import { expect, test } from 'vitest';
import { startInbox, type Inbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { askOps, readMetric } from './support/ops-port.ts';
import { register } from './support/requests.ts';
import { openScene } from './support/scene.ts';

/** A server that knows one password, which can be corrected while it runs. */
const startGuardedInbox = async (): Promise<{
  inbox: Inbox;
  url: string;
  letIn: () => void;
  logins: () => number;
}> => {
  let open = false;
  let logins = 0;
  const inbox = await startInbox({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (_auth, _session, callback) => {
      logins += 1;
      if (open) callback(null, { user: 'user' });
      else callback(Object.assign(new Error('5.7.8 wrong'), { responseCode: 535 }));
    },
  });
  const url = inbox.url.replace('smtp://', 'smtp://user:password@');
  return { inbox, url, letIn: () => void (open = true), logins: () => logins };
};

test('wrong credentials close the way to the provider, cost no message a failure, and everybody is told', async () => {
  const server = await startGuardedInbox();
  await using inbox = server.inbox;
  await using scene = await openScene(server.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  const worker = await scene.start();
  expect((await askOps(worker, '/readyz')).status).toBe(200);
  await scene.ring(messageId);
  await eventually(
    'the attempt is recorded',
    async () => (await scene.attempts(messageId))[0]?.result === 'misconfigured',
  );

  expect(await scene.message(messageId)).toMatchObject({
    status: 'deferred',
    reason: 'auth',
    failures: 0,
    lost_leases: 0,
  });
  const ready = await askOps(worker, '/readyz');
  expect(ready.status).toBe(503);
  expect(ready.body).toContain('the mail provider smtp refuses our set-up (auth)');
  expect(await readMetric(worker, 'reconfirm_provider_open{channel="email",provider="smtp"}')).toBe(0);
  expect(scene.lines).toContainEqual(
    expect.objectContaining({ msg: 'provider.changed', open: false, failure: 'auth', level: 50 }),
  );
  expect((await askOps(worker, '/livez')).status, 'restarting would not help').toBe(200);

  const loginsBefore = server.logins();
  const { messageId: other } = await register(scene.db, 'other@example.org');
  await scene.ring(other);
  await scene.ring(other);
  expect(await scene.message(other), 'while the way is closed no message is touched').toMatchObject({
    attempt: 0,
  });
  expect(server.logins()).toBe(loginsBefore);
  expect(inbox.mails).toEqual([]);
});

test('when the server is right again every message goes within seconds, each once', async () => {
  const server = await startGuardedInbox();
  await using inbox = server.inbox;
  await using scene = await openScene(server.url);
  const { messageId: first } = await register(scene.db, 'first@example.org');
  const { messageId: second } = await register(scene.db, 'second@example.org');
  const worker = await scene.start();
  await scene.ring(first, second);
  await eventually(
    'the way is closed',
    async () => (await readMetric(worker, 'reconfirm_provider_open{channel="email",provider="smtp"}')) === 0,
  );
  server.letIn();

  expect(await scene.settled(first, 15_000)).toMatchObject({ status: 'sent', failures: 0 });
  expect(await scene.settled(second, 15_000)).toMatchObject({ status: 'sent', failures: 0 });
  expect((await askOps(worker, '/readyz')).status).toBe(200);
  expect(await readMetric(worker, 'reconfirm_provider_open{channel="email",provider="smtp"}')).toBe(1);
  expect(inbox.mails).toHaveLength(2);
}, 40_000);

test('a server without the TLS we demand gets no mail, and no message pays for it', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  const worker = await scene.start({ SMTP_TLS: 'required' });
  await scene.ring(messageId);
  await eventually(
    'the attempt is recorded',
    async () => (await scene.attempts(messageId))[0]?.code === 'tls',
  );
  expect(await scene.message(messageId)).toMatchObject({ status: 'deferred', failures: 0 });
  expect((await askOps(worker, '/readyz')).body).toContain('(tls)');
  expect(inbox.mails).toEqual([]);
});
