import { createTransport } from 'nodemailer';
import { describe, expect, test } from 'vitest';
import { startBounceListener, type BounceListener } from '../src/reports/bounce-listener.ts';
import type { ReceivedReport } from '../src/reports/take-report.ts';
import { Secret } from '@reconfirm/core/secret';
import { makeCertificate } from './smtp-certificate.ts';
import { eventually } from './support/eventually.ts';
import { bounceAddressOf, bounceDomain, bring, deliveryStatus } from './support/report-mails.ts';
import { register } from './support/requests.ts';
import { firstKeyRing, openScene, type Scene } from './support/scene.ts';
import { bounceSettings } from './support/report-mails.ts';
import { openSmtpDialogue } from './support/smtp-dialogue.ts';

const messageId = '0199a1b2-0000-7000-8000-000000000001';
const ours = bounceAddressOf(messageId);

/** A listener whose reports a test looks at in place of storing them. */
const openListener = async (
  scene: Pick<Scene, 'log'>,
  changes: Partial<Parameters<typeof startBounceListener>[0]> = {},
): Promise<BounceListener & AsyncDisposable & { readonly taken: ReceivedReport[] }> => {
  const taken: ReceivedReport[] = [];
  const listener = await startBounceListener({
    listen: { host: '127.0.0.1', port: 0 },
    ring: firstKeyRing,
    domain: bounceDomain,
    tls: undefined,
    take: (received) => {
      taken.push(received);
      return Promise.resolve('applied');
    },
    isFeedbackSource: () => Promise.resolve(false),
    refused: () => {},
    log: scene.log,
    ...changes,
  });
  return { ...listener, taken, [Symbol.asyncDispose]: listener.close };
};

describe('the listener, with the worker behind it', () => {
  test.each([
    ['a stranger', 'nobody@bounces.example.com', '550 5.1.1 No such address here'],
    ['another domain', 'reader@example.org', '550 5.1.1 No such address here'],
    ['a path that relays', '@bounces.example.com:reader@example.org', '550 5.1.1 No such address here'],
    ['our address elsewhere', ours.replace('bounces.', 'other.'), '550 5.1.1 No such address here'],
  ])('refuses %s', async (_what, to, reply) => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const { bouncePort } = await scene.start(bounceSettings);
    await using dialogue = await openSmtpDialogue(bouncePort);
    await dialogue.say('EHLO mx.example.org');
    await dialogue.say('MAIL FROM:<>');
    expect(await dialogue.say(`RCPT TO:<${to}>`)).toBe(reply);
  });

  test('takes one recipient, and says of the second that it is one too many', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const { bouncePort } = await scene.start(bounceSettings);
    await using dialogue = await openSmtpDialogue(bouncePort);
    expect(dialogue.greeting).toBe('220 bounces.example.com ESMTP takes delivery reports');
    await dialogue.say('EHLO mx.example.org');
    expect(await dialogue.say('MAIL FROM:<>')).toMatch(/^250 /);
    expect(await dialogue.say(`RCPT TO:<${ours}>`)).toMatch(/^250 /);
    expect(await dialogue.say(`RCPT TO:<fbl@${bounceDomain}>`)).toMatch(/^452 /);
  });

  test('answers every kind of mail with what became of it, and stores none that does not count', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const worker = await scene.start(bounceSettings);
    const { messageId: known } = await register(scene.db, 'reader@example.org');
    const to = bounceAddressOf(known);
    const answer = (from: string, raw: string): Promise<string> =>
      bring(worker.bouncePort, { from, to, raw });
    const vacation = 'Subject: away\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n';
    const letter = 'Subject: Re: hello\r\n\r\nWhat is this?\r\n';

    expect(await answer('', vacation)).toBe('250 2.0.0 Taken, nothing to count');
    expect(await answer('reader@example.org', vacation)).toBe('250 2.0.0 Taken, nothing to count');
    expect(await answer('', letter)).toBe('250 2.0.0 Taken, nothing to count');
    expect(await answer('reader@example.org', letter)).toBe(
      '550 5.7.1 This address takes delivery reports only',
    );
    expect(await answer('reader@example.org', deliveryStatus({ to }))).toBe(
      '550 5.7.1 A delivery status has the null sender',
    );
    expect(await answer('', deliveryStatus({ to, action: 'failed', status: '2.0.0' }))).toBe(
      '250 2.0.0 Taken, nothing to count',
    );
    expect(await scene.db.selectFrom('delivery_events').select('id').execute()).toEqual([]);
    const metrics = await (await fetch(`http://127.0.0.1:${worker.opsPort}/metrics`)).text();
    for (const [outcome, count] of Object.entries({
      auto_reply: 2,
      not_a_report: 2,
      sender: 1,
      says_nothing: 1,
    }))
      expect(metrics).toContain(`reconfirm_reports_total{outcome="${outcome}"} ${count}`);
  });

  test('refuses what is too large with 552, announced or not, and stays usable', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const { bouncePort } = await scene.start(bounceSettings);
    await using dialogue = await openSmtpDialogue(bouncePort);
    await dialogue.say('EHLO mx.example.org');
    expect(await dialogue.say('MAIL FROM:<> SIZE=65537')).toMatch(/^552 /);
    expect(await dialogue.say('MAIL FROM:<>')).toMatch(/^250 /);
    await dialogue.say(`RCPT TO:<${ours}>`);
    expect(await dialogue.say('DATA')).toMatch(/^354 /);
    dialogue.send(`${'x'.repeat(998)}\r\n`.repeat(200));
    expect(await dialogue.say('.')).toMatch(/^552 /);
    expect(await dialogue.say('NOOP')).toMatch(/^250 /);
  });

  test('knows no user, tells of none, and offers no TLS without a certificate', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const { bouncePort } = await scene.start(bounceSettings);
    await using dialogue = await openSmtpDialogue(bouncePort);
    await dialogue.say('EHLO mx.example.org');
    expect(await dialogue.say('AUTH PLAIN AGEAYg==')).toMatch(/^500 /);
    expect(await dialogue.say('STARTTLS')).toMatch(/^500 /);
    expect(await dialogue.say(`VRFY ${ours}`)).toMatch(/^252 /);
    expect(await dialogue.say('EXPN list')).toMatch(/^50[02] /);
    expect(await dialogue.say('RCPT TO:<x@y>')).toMatch(/^503 /);
  });

  test('a worker whose port is taken does not start, and leaves nothing open', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const { bouncePort } = await scene.start(bounceSettings);
    await expect(
      scene.start({ ...bounceSettings, BOUNCE_LISTEN: `127.0.0.1:${bouncePort}` }),
    ).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('the listener, by itself', () => {
  test('takes a report over TLS where it has a certificate', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const { key, certificate } = makeCertificate();
    await using listener = await openListener(scene, {
      tls: { key: new Secret(key), cert: new Secret(certificate) },
    });
    const transport = createTransport({
      host: 'localhost',
      port: listener.port,
      requireTLS: true,
      tls: { ca: certificate, minVersion: 'TLSv1.2' },
    });
    const raw = deliveryStatus({ to: ours });
    const { response } = await transport.sendMail({ envelope: { from: '', to: [ours] }, raw });
    transport.close();
    expect(response).toBe('250 2.0.0 Taken');
    expect(Buffer.from(listener.taken[0]?.raw ?? []).toString()).toBe(raw);
    expect(listener.taken[0]).toMatchObject({ sender: '', recipients: [ours] });
  });

  test('a report that breaks off in the middle is no report', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    await using listener = await openListener(scene);
    {
      await using dialogue = await openSmtpDialogue(listener.port);
      await dialogue.say('EHLO mx.example.org');
      await dialogue.say('MAIL FROM:<>');
      await dialogue.say(`RCPT TO:<${ours}>`);
      await dialogue.say('DATA');
      dialogue.send(deliveryStatus({ to: ours }));
    }
    // A whole one after it: had the first counted, it would have been taken by now.
    await bring(listener.port, { to: ours, raw: deliveryStatus({ to: ours, messageId: 'second@mx' }) });
    expect(listener.taken.map(({ raw }) => Buffer.from(raw).includes('second@mx'))).toEqual([true]);
  });

  test('ends a session that takes too long, however busy its client is', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    await using listener = await openListener(scene, { sessionTimeoutMs: 500 });
    await using dialogue = await openSmtpDialogue(listener.port);
    await dialogue.say('EHLO mx.example.org');
    await dialogue.say('MAIL FROM:<>');
    await dialogue.say(`RCPT TO:<${ours}>`);
    await dialogue.say('DATA');
    const trickle = setInterval(() => dialogue.send('x: y\r\n'), 20);
    try {
      expect(await dialogue.next()).toBe('421 4.4.2 This session takes too long');
      expect(await dialogue.next()).toBe('closed');
    } finally {
      clearInterval(trickle);
    }
    expect(listener.taken).toEqual([]);
  });

  test('serves one client over ten connections and not over more, until one of them ends', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    await using listener = await openListener(scene);
    await using stack = new AsyncDisposableStack();
    for (let at = 0; at < 9; at += 1) stack.use(await openSmtpDialogue(listener.port));
    {
      await using tenth = await openSmtpDialogue(listener.port);
      expect(tenth.greeting).toMatch(/^220 /);
      await using eleventh = await openSmtpDialogue(listener.port);
      expect(eleventh.greeting).toBe('421 4.7.0 Too many connections from this address');
    }
    await eventually('a place is free again', async () => {
      await using another = await openSmtpDialogue(listener.port);
      return another.greeting.startsWith('220 ');
    });
  });

  test('closes in time although a client does not leave', async () => {
    await using scene = await openScene('smtp://127.0.0.1:9');
    const listener = await openListener(scene);
    await using dialogue = await openSmtpDialogue(listener.port);
    await dialogue.say('EHLO mx.example.org');
    const startedMs = performance.now();
    await listener.close();
    expect(performance.now() - startedMs).toBeLessThan(6000);
    expect(await dialogue.next()).toMatch(/^421 /);
  });
});
