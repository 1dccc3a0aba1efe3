import { readBounceTag } from '@reconfirm/core/reports/bounce-address';
import type { SMTPServerSession } from 'smtp-server';
import { describe, expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { exampleMail, never, openTransport } from './smtp-mail.ts';
import { greet, startScriptedServer, takeMessage } from './smtp-scripted-server.ts';
import { bounceAddressOf } from './support/report-mails.ts';
import { register } from './support/requests.ts';
import { firstKeyRing, openScene } from './support/scene.ts';

const bounce = { address: 'b+tag@bounces.example.com', envelopeId: '0199a1b2.1.abc' };

/** What the server was asked for with each mail that it took. */
const startNotifyingInbox = async () => {
  const envelopes: SMTPServerSession['envelope'][] = [];
  const inbox = await startInbox({
    hideDSN: false,
    onRcptTo: (recipient, session, callback) => {
      envelopes.push({ ...session.envelope, rcptTo: [recipient] });
      callback();
    },
  });
  return { ...inbox, envelopes };
};

describe('the envelope of a mail', () => {
  test('has its own sender with BOUNCE_DOMAIN, the same on every attempt, and asks for reports by it', async () => {
    await using inbox = await startNotifyingInbox();
    await using scene = await openScene(inbox.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    await scene.start({ BOUNCE_DOMAIN: 'Bounces.Example.com' });
    await scene.ring(messageId);
    await scene.settled(messageId);
    expect(inbox.mails[0]?.from).toBe(bounceAddressOf(messageId));
    // People see and answer the sender that was set.
    expect(inbox.mails[0]?.email.from).toMatchObject({ address: 'no-reply@mail.example.com' });
    const [envelope] = inbox.envelopes;
    expect(envelope?.dsn).toMatchObject({ ret: 'HDRS' });
    expect(readBounceTag(firstKeyRing, envelope?.dsn?.envid ?? '')).toBe(messageId);
    expect(envelope?.rcptTo[0]?.dsn).toEqual({
      notify: ['FAILURE', 'DELAY'],
      orcpt: 'rfc822;reader@example.org',
    });
  });

  test('has the sender of the settings without BOUNCE_DOMAIN, and asks for nothing', async () => {
    await using inbox = await startNotifyingInbox();
    await using scene = await openScene(inbox.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    const worker = await scene.start();
    await scene.ring(messageId);
    await scene.settled(messageId);
    expect(inbox.mails[0]?.from).toBe('no-reply@mail.example.com');
    expect(inbox.envelopes[0]?.dsn?.envid ?? null).toBeNull();
    expect(worker.bouncePort).toBeUndefined();
  });

  test('is left to a provider that puts its own', async () => {
    await using inbox = await startNotifyingInbox();
    await using scene = await openScene(inbox.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    await scene.start({ BOUNCE_DOMAIN: 'bounces.example.com', EMAIL_PROVIDER: 'mailgun' });
    await scene.ring(messageId);
    await scene.settled(messageId);
    expect(inbox.mails[0]?.from).toBe('no-reply@mail.example.com');
  });

  test('asks for no reports where the server does not offer them (RFC 3461)', async () => {
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await takeMessage(dialogue);
    });
    await using transport = openTransport({ url: server.url });
    expect((await transport.send(exampleMail({ bounce }), never())).kind).toBe('accepted');
    expect(server.lines.filter((line) => /^(?:MAIL|RCPT) /.test(line))).toEqual([
      'MAIL FROM:<b+tag@bounces.example.com>',
      'RCPT TO:<reader@example.org>',
    ]);
  });

  test('names no recipient beyond ASCII, which would need another type (RFC 6533)', async () => {
    await using inbox = await startNotifyingInbox();
    await using transport = openTransport({ url: inbox.url });
    const mail = exampleMail({ bounce, to: 'jürgen@example.org' });
    expect((await transport.send(mail, never())).kind).toBe('accepted');
    expect(inbox.envelopes[0]?.rcptTo[0]?.dsn).toEqual({ notify: ['FAILURE', 'DELAY'] });
  });
});
