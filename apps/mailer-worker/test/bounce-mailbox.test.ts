import { Secret } from '@reconfirm/core/secret';
import { openSilentPort, openTcpProxy } from '@reconfirm/local-stack';
import { describe, expect, test, vi } from 'vitest';
import { openMailbox } from '../src/reports/open-mailbox.ts';
import { startMailboxReader } from '../src/reports/read-mailbox.ts';
import { makeCertificate } from './smtp-certificate.ts';
import { startInbox } from './smtp-inbox.ts';
import { hasDovecot, startDovecot } from './support/dovecot.ts';
import { eventually as eventuallyWithin, neverDuring } from './support/eventually.ts';
import { type MailboxServer, mailboxUrl, mailboxUser } from './support/mailbox-server.ts';
import { askOps } from './support/ops-port.ts';
import { bounceAddressOf, bounceDomain, deliveryStatus, forgedAddressOf } from './support/report-mails.ts';
import { register } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';
import { startSmallImapServer } from './support/small-imap-server.ts';

/** A mailbox is looked at every 30 s, and connected to again after some seconds. */
const eventually = <T>(what: string, probe: () => T | Promise<T>) => eventuallyWithin(what, probe, 45_000);
vi.setConfig({ testTimeout: 120_000 });

const settingsOf = (port: number) => ({ BOUNCE_DOMAIN: bounceDomain, BOUNCE_IMAP: mailboxUrl(port) });

const sendTo = async (scene: Scene, email = 'reader@example.org'): Promise<string> => {
  const { messageId } = await register(scene.db, email);
  await scene.ring(messageId);
  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });
  return messageId;
};

/** A bounce as the server of a mailbox files it. */
const filed = (to: string, report = deliveryStatus({ to })): string =>
  `Return-Path: <>\r\nDelivered-To: ${to}\r\nReceived: from mx.example.org\r\n${report}`;

const isBounced = (scene: Scene, id: string) => async (): Promise<boolean> =>
  (await scene.message(id)).status === 'bounced';

const allSeen = (server: MailboxServer, count: number) => async (): Promise<boolean> => {
  const mails = await server.mailsIn('INBOX');
  return mails.length === count && mails.every(({ seen }) => seen);
};

const servers: readonly (readonly [string, () => Promise<MailboxServer>, boolean])[] = [
  ['a small IMAP server', startSmallImapServer, true],
  ['a server of Debian (Dovecot)', startDovecot, hasDovecot()],
];

describe.each(servers)('a mailbox on %s', (_name, start, isHere) => {
  test.runIf(isHere)('is read when its server says that mail came, long before the next look', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    await using server = await start();
    const taken: string[] = [];
    const looked = Promise.withResolvers<void>();
    const reader = startMailboxReader({
      url: new Secret(mailboxUrl(server.port)),
      doneFolder: undefined,
      take: ({ raw }) => {
        taken.push(Buffer.from(raw).toString());
        return Promise.resolve('applied');
      },
      onWorking: () => looked.resolve(),
      log: scene.log,
      pollMs: 3_600_000,
    });
    await looked.promise;
    for (const count of [1, 2]) {
      await server.deliver(`Subject: ${count}\r\n\r\n`);
      await eventually('it was taken', () => taken.length === count);
    }
    await reader.stop();
    expect(taken).toEqual(['Subject: 1\r\n\r\n', 'Subject: 2\r\n\r\n']);
  });

  test.runIf(isHere)('is read: bounces fail their messages, what came is marked', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using server = await start();
    const worker = await scene.start(settingsOf(server.port));
    const first = await sendTo(scene, 'first@example.org');
    const second = await sendTo(scene, 'second@example.org');
    await server.deliver(filed(bounceAddressOf(first)));
    await server.deliver('Subject: spam\r\n\r\nBuy!\r\n');
    await eventually('the first bounce counts', isBounced(scene, first));
    await eventually('both are marked', allSeen(server, 2));
    await server.deliver(filed(bounceAddressOf(second)));
    await eventually('the second bounce counts', isBounced(scene, second));
    await eventually('all are marked', allSeen(server, 3));
    expect((await askOps(worker, '/metrics')).body).toContain(
      'reconfirm_bounce_mailbox_working{mailbox="imap"} 1',
    );
  });

  test.runIf(isHere)('loses nothing while Postgres is away', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using server = await start();
    await using proxy = await openTcpProxy(scene.databaseUrl);
    await scene.start({ ...settingsOf(server.port), DATABASE_URL: proxy.url });
    const messageId = await sendTo(scene);
    await proxy.become('closed');
    await server.deliver(filed(bounceAddressOf(messageId)));
    await eventually('the worker could not store it', () =>
      scene.lines.some(({ msg }) => msg === 'report.mailbox_failed'),
    );
    expect(await server.mailsIn('INBOX')).toMatchObject([{ seen: false }]);
    await proxy.become('open');
    await eventually('the bounce counts', isBounced(scene, messageId));
    await eventually('it is marked', allSeen(server, 1));
  });

  test.runIf(isHere)(
    'with a folder for what was counted is emptied into it, mails that were read before too',
    async () => {
      await using inbox = await startInbox();
      await using scene = await openScene(inbox.url);
      await using server = await start();
      await scene.start({ ...settingsOf(server.port), BOUNCE_IMAP_DONE: 'Done' });
      const messageId = await sendTo(scene);
      await server.deliver(filed(bounceAddressOf(messageId)), true);
      await eventually('the bounce counts', isBounced(scene, messageId));
      await eventually('it is moved', async () => (await server.mailsIn('Done')).length === 1);
      await eventually('none is left', async () => (await server.mailsIn('INBOX')).length === 0);
      expect(await server.mailsIn('Done')).toMatchObject([{ seen: true }]);
    },
  );

  test.runIf(isHere)('is connected to again when the connection is lost', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using server = await start();
    await using proxy = await openTcpProxy(`tcp://127.0.0.1:${server.port}`);
    const worker = await scene.start(settingsOf(proxy.port));
    const working = async (value: 0 | 1): Promise<boolean> =>
      (await askOps(worker, '/metrics')).body.includes(`mailbox_working{mailbox="imap"} ${value}`);
    await eventually('the mailbox is read', () => working(1));
    await proxy.become('closed');
    await eventually('the loss is told', () => working(0));
    const messageId = await sendTo(scene);
    await server.deliver(filed(bounceAddressOf(messageId)));
    await proxy.become('open');
    await eventually('the bounce counts', isBounced(scene, messageId));
    await eventually('the mailbox is read again', () => working(1));
    expect((await scene.message(messageId)).status).toBe('bounced');
  });

  test.runIf(isHere)(
    'that refuses our password stops nothing else, and the log names neither it nor the user',
    async () => {
      await using inbox = await startInbox();
      await using scene = await openScene(inbox.url);
      await using server = await start();
      await scene.start({ ...settingsOf(server.port), BOUNCE_IMAP: mailboxUrl(server.port, 'wrong-secret') });
      await eventually('it is told', () => scene.lines.some(({ msg }) => msg === 'report.mailbox_failed'));
      await sendTo(scene);
      const logged = JSON.stringify(scene.lines);
      expect(logged).not.toContain('wrong-secret');
      expect(logged).not.toContain(`"${mailboxUser}"`);
      expect(logged).not.toContain(Buffer.from(`\0${mailboxUser}\0wrong-secret`).toString('base64'));
    },
  );
});

test('two workers on one mailbox count a bounce once', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await using server = await startSmallImapServer();
  const messageId = await sendFromFirst(scene, server);
  await scene.start(settingsOf(server.port));
  await server.deliver(filed(bounceAddressOf(messageId)));
  await eventually('the bounce counts', isBounced(scene, messageId));
  await eventually('it is marked', allSeen(server, 1));
  const events = await scene.db.selectFrom('delivery_events').select('id').execute();
  expect(events).toHaveLength(1);
});

const sendFromFirst = async (scene: Scene, server: MailboxServer): Promise<string> => {
  await scene.start(settingsOf(server.port));
  return sendTo(scene);
};

test('what anybody can write into a mailbox moves nothing: a wrong proof, a Message-ID, a sender', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await using server = await startSmallImapServer();
  await scene.start(settingsOf(server.port));
  const messageId = await sendTo(scene);
  const forged = forgedAddressOf(messageId);
  await server.deliver(filed(forged, deliveryStatus({ to: forged, about: messageId })));
  await server.deliver(
    filed('postmaster@bounces.example.com', deliveryStatus({ to: 'x', about: messageId })),
  );
  await server.deliver(
    filed(bounceAddressOf(messageId)).replace('Return-Path: <>', 'Return-Path: <x@y.example>'),
  );
  await eventually('all three are marked', allSeen(server, 3));
  expect(await scene.message(messageId)).toMatchObject({ status: 'sent' });
  expect(await scene.db.selectFrom('delivery_events').select('id').execute()).toEqual([]);
  const outcomes = scene.lines.filter(({ msg }) => msg === 'report.received').map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['unproven', 'unproven', 'sender']);
});

test('a null sender is known however a server writes it', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await using server = await startSmallImapServer();
  await scene.start(settingsOf(server.port));
  for (const written of ['<MAILER-DAEMON>', '<MAILER-DAEMON@mx.example.org>', '< >']) {
    const messageId = await sendTo(scene, `${written.length}@example.org`);
    await server.deliver(filed(bounceAddressOf(messageId)).replace('<>', written));
    await eventually(written, isBounced(scene, messageId));
    expect(await scene.message(messageId)).toMatchObject({ status: 'bounced' });
  }
});

test('a mail that is too large is marked and not read', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await using server = await startSmallImapServer();
  await scene.start(settingsOf(server.port));
  const messageId = await sendTo(scene);
  await server.deliver(`${filed(bounceAddressOf(messageId))}${'x'.repeat(70_000)}`);
  await eventually('it is marked', allSeen(server, 1));
  expect(await scene.message(messageId)).toMatchObject({ status: 'sent' });
  expect(scene.lines.find(({ msg }) => msg === 'report.received')).toMatchObject({ outcome: 'too_large' });
});

describe('a mailbox', () => {
  const never = new AbortController().signal;
  const urlOf = (port: number, scheme: string): Secret =>
    new Secret(mailboxUrl(port).replace('imap:', `${scheme}:`).replace('127.0.0.1', 'localhost'));

  test('is read over TLS from a server whose certificate is trusted, and from no other', async () => {
    const { key, certificate } = makeCertificate();
    await using server = await startSmallImapServer({ tls: { key, cert: certificate } });
    await server.deliver('Subject: x\r\n\r\n');
    const options = { url: urlOf(server.port, 'imaps'), doneFolder: undefined };
    await expect(openMailbox(options, never)).rejects.toThrow(/self-signed/);
    const mailbox = await openMailbox({ ...options, trustedCertificates: certificate }, never);
    expect(await mailbox.next(10)).toMatchObject([{ uid: 1 }]);
    await mailbox.close();
  });

  test('elsewhere than on this machine gets no password without TLS', async () => {
    // An address of this machine that is not its loopback name.
    await using server = await startSmallImapServer({ host: '127.0.0.2' });
    const url = new Secret(mailboxUrl(server.port).replace('127.0.0.1', '127.0.0.2'));
    await expect(openMailbox({ url, doneFolder: undefined }, never)).rejects.toThrow(/STARTTLS/);
    expect(server.commands).not.toContain('LOGIN');
  });

  test('that does not answer fails in time, and holds nobody who wants to stop', async () => {
    await using silent = await openSilentPort();
    const url = new Secret(mailboxUrl(silent.port));
    await expect(openMailbox({ url, doneFolder: undefined, callTimeoutMs: 300 }, never)).rejects.toThrow();
    const working: boolean[] = [];
    await using scene = await openScene('smtp://127.0.0.1:9');
    const reader = startMailboxReader({
      url,
      doneFolder: undefined,
      take: () => Promise.resolve('applied'),
      onWorking: (value) => working.push(value),
      log: scene.log,
    });
    const startedMs = performance.now();
    await reader.stop();
    expect(performance.now() - startedMs).toBeLessThan(8000);
    expect(working).toEqual([]);
  });

  test('whose server marks nothing is not read over and over without a pause', async () => {
    await using server = await startSmallImapServer({ refused: ['UID STORE'] });
    await server.deliver('Subject: x\r\n\r\n');
    await using scene = await openScene('smtp://127.0.0.1:9');
    let taken = 0;
    const reader = startMailboxReader({
      url: new Secret(mailboxUrl(server.port)),
      doneFolder: undefined,
      take: () => {
        taken += 1;
        return Promise.resolve('applied');
      },
      onWorking: () => {},
      log: scene.log,
    });
    await eventually('it was taken', () => taken > 0);
    await neverDuring('it was taken many times', 2500, () => taken > 3);
    await reader.stop();
    expect(await server.mailsIn('INBOX')).toMatchObject([{ seen: false }]);
  });
});
