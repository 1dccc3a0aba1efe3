import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAddrSpec } from '../src/transports/smtp-message.ts';
import { createLogTransport } from '../src/transports/log.ts';
import { startInbox } from './smtp-inbox.ts';
import { exampleMail, never, openTransport } from './smtp-mail.ts';
import { greet, startScriptedServer, takeMessage } from './smtp-scripted-server.ts';

test('a mail arrives whole: parts, addresses and headers', async () => {
  await using inbox = await startInbox();
  await using transport = openTransport({ url: inbox.url, envelopeFrom: 'bounces@mail.example.com' });
  const mail = exampleMail({
    providerHeaders: {
      'X-Mailgun-Variables':
        '{"message":"0199a1b2-0000-7000-8000-000000000001","purpose":"a rather long one, over the fold"}',
      'X-Mailgun-Track': 'no',
    },
  });
  const result = await transport.send(mail, never());

  expect(result).toEqual({ kind: 'accepted', reply: '250 2.0.0 queued' });
  const [received] = inbox.mails;
  expect(received?.from).toBe('bounces@mail.example.com');
  expect(received?.recipients).toEqual(['reader@example.org']);
  expect(received?.email).toMatchObject({
    from: { name: 'Reconfirm', address: 'no-reply@mail.example.com' },
    to: [{ address: 'reader@example.org' }],
    replyTo: [{ address: 'help@example.com' }],
    subject: mail.subject,
    messageId: mail.messageIdHeader,
  });
  expect(received?.email.html?.trim()).toBe(mail.html);
  expect(received?.email.text?.trim()).toBe(mail.text.trim());
  expect(Date.parse(inbox.header(0, 'date') ?? '')).toBeGreaterThan(Date.now() - 60_000);
  expect(inbox.header(0, 'auto-submitted')).toBe('auto-generated');
  expect(inbox.header(0, 'x-auto-response-suppress')).toBe('OOF, AutoReply');
  expect(inbox.header(0, 'x-entity-ref-id')).toBe(mail.messageId);
  expect(inbox.header(0, 'x-mailgun-variables')).toBe(
    '{"message":"0199a1b2-0000-7000-8000-000000000001","purpose":"a rather long one, over the fold"}',
  );
  expect(inbox.header(0, 'x-mailer')).toBeUndefined();
  // Mails that somebody asked for are no newsletter: nothing in them offers to end them.
  expect(inbox.header(0, 'list-unsubscribe')).toBeUndefined();
});

test('a second attempt carries the same Message-ID', async () => {
  await using inbox = await startInbox();
  await using transport = openTransport({ url: inbox.url });
  await transport.send(exampleMail(), never());
  await transport.send(exampleMail(), never());
  expect(inbox.mails.map(({ email }) => email.messageId)).toEqual([
    exampleMail().messageIdHeader,
    exampleMail().messageIdHeader,
  ]);
});

test('an address outside ASCII is announced with SMTPUTF8 (RFC 6531)', async () => {
  await using server = await startScriptedServer(async (dialogue) => {
    dialogue.write('220 ready');
    await dialogue.answer('EHLO', '250-scripted\r\n250 SMTPUTF8');
    await takeMessage(dialogue);
  });
  await using transport = openTransport({ url: server.url });
  const result = await transport.send(exampleMail({ to: 'jörg@bücher.example' }), never());
  expect(result.kind).toBe('accepted');
  const commands = server.lines.map((line) => Buffer.from(line, 'latin1').toString());
  expect(commands).toContain('MAIL FROM:<no-reply@mail.example.com> SMTPUTF8');
  expect(commands.join('\n')).toMatch(/^RCPT TO:<jörg@(?:bücher|xn--bcher-kva)\.example>$/m);
});

describe('one mail has one recipient', () => {
  test.each([
    'a@x.example, victim@y.example',
    'a@x.example;victim@y.example',
    'a@x.example victim@y.example',
    'a@x.example\r\nBcc: victim@y.example',
    'a@x.example\nRCPT TO:<victim@y.example>',
    'Name <victim@y.example>',
    '<victim@y.example>',
    '"a b"@x.example',
    'a@x.example>',
    'a@b@x.example',
    'group:victim@y.example;',
    '@x.example',
    'a@',
    '',
    `${'a'.repeat(65)}@x.example`,
    `a@${'x'.repeat(260)}.example`,
  ])('%j is refused before anything is sent', async (to) => {
    await using inbox = await startInbox();
    await using transport = openTransport({ url: inbox.url });
    const result = await transport.send(exampleMail({ to }), never());
    expect(result).toMatchObject({
      kind: 'failed',
      failure: { kind: 'permanent', code: 'recipient_invalid' },
    });
    expect(inbox.mails).toEqual([]);
  });

  test('no text with a line break, a list or a second @ passes for an address', () => {
    const parts = fc.string({
      unit: fc.constantFrom('a', '@', '.', ',', ';', '<', '>', '"', '\r\n', ' ', '\u0000', 'é'),
    });
    fc.assert(
      fc.property(parts, (text) => {
        if (!isAddrSpec(text)) return;
        expect(text).toMatch(/^[^\s,;<>"@]+@[^\s,;<>"@]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('no value becomes a header', () => {
  const evil = 'x\r\nBcc: victim@y.example\r\n\r\ninjected';
  test.each([
    ['subject', { subject: evil }],
    ['sender name', { from: { name: evil, address: 'no-reply@mail.example.com' } }],
    ['message id', { messageId: evil }],
    ['reply-to name', { replyTo: { name: evil, address: 'help@example.com' } }],
  ])('%s with line breaks', async (_field, changes) => {
    await using inbox = await startInbox();
    await using transport = openTransport({ url: inbox.url });
    await transport.send(exampleMail(changes), never());
    expect(inbox.mails).toHaveLength(1);
    expect(inbox.mails[0]?.recipients).toEqual(['reader@example.org']);
    expect(inbox.mails[0]?.email.bcc ?? []).toEqual([]);
    expect(inbox.header(0, 'bcc')).toBeUndefined();
    expect(inbox.mails[0]?.email.text).not.toContain('injected');
  });

  test.each([
    [{ Bcc: 'victim@y.example' }],
    [{ 'message-id': '<a@b>' }],
    [{ 'X-Ok\r\nBcc': 'victim@y.example' }],
    [{ 'X-Ok': 'a\r\nBcc: victim@y.example' }],
    [{ 'X-Ok': 'ñ' }],
  ])('a provider may not set %j', async (providerHeaders) => {
    await using inbox = await startInbox();
    await using transport = openTransport({ url: inbox.url });
    await expect(transport.send(exampleMail({ providerHeaders }), never())).rejects.toThrow(
      /may not set the header/,
    );
    expect(inbox.mails).toEqual([]);
  });

  test('a body that names files or URLs is sent as text', async () => {
    await using inbox = await startInbox();
    await using transport = openTransport({ url: inbox.url });
    await transport.send(
      exampleMail({ html: '<img src="file:///etc/hostname">', text: '/etc/hostname' }),
      never(),
    );
    expect(inbox.mails[0]?.email.attachments).toEqual([]);
    expect(inbox.mails[0]?.email.text?.trim()).toBe('/etc/hostname');
  });
});

describe('connections', () => {
  test('are shared, closed after their idle time, and opened again', async () => {
    const idleClosed = Promise.withResolvers<void>();
    await using server = await startScriptedServer(async (dialogue) => {
      dialogue.socket.once('close', () => idleClosed.resolve());
      await greet(dialogue);
      await takeMessage(dialogue);
      await takeMessage(dialogue);
      await dialogue.answer('QUIT', '221 bye');
    });
    await using transport = openTransport({ url: server.url, maxConnections: 1, idleTimeoutMs: 50 });
    await transport.send(exampleMail(), never());
    await transport.send(exampleMail(), never());
    expect(server.connections()).toBe(1);
    await idleClosed.promise;
    expect((await transport.send(exampleMail(), never())).kind).toBe('accepted');
    expect(server.connections()).toBe(2);
  });

  test('are replaced after their age, and the message in flight on an old one arrives', async () => {
    const release = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const oldClosed = Promise.withResolvers<void>();
    await using server = await startScriptedServer(async (dialogue) => {
      if (dialogue.connection === 1) dialogue.socket.once('close', () => oldClosed.resolve());
      await greet(dialogue);
      await dialogue.answer('MAIL FROM', '250 ok');
      if (dialogue.connection === 1) {
        held.resolve();
        await release.promise;
      }
      await dialogue.answer('RCPT TO', '250 ok');
      await dialogue.answer('DATA', '354 go on');
      await dialogue.readMessage();
      dialogue.write('250 queued');
    });
    await using transport = openTransport({ url: server.url, maxAgeMs: 0 });
    const first = transport.send(exampleMail(), never());
    await held.promise;
    expect((await transport.send(exampleMail(), never())).kind).toBe('accepted');
    release.resolve();
    expect((await first).kind).toBe('accepted');
    await oldClosed.promise;
    expect(server.connections()).toBe(2);
  });

  test('are all closed by close(), which lets a message in flight finish and takes no further one', async () => {
    const release = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await dialogue.answer('MAIL FROM', '250 ok');
      held.resolve();
      await release.promise;
      await dialogue.answer('RCPT TO', '250 ok');
      await dialogue.answer('DATA', '354 go on');
      await dialogue.readMessage();
      dialogue.write('250 queued');
    });
    await using transport = openTransport({ url: server.url, closeTimeoutMs: 5000 });
    const sending = transport.send(exampleMail(), never());
    await held.promise;
    const closing = transport.close();
    const late = await transport.send(exampleMail(), never());
    expect(late).toMatchObject({ kind: 'failed', failure: { kind: 'transient', code: 'aborted' } });
    release.resolve();
    expect((await sending).kind).toBe('accepted');
    await closing;
  });

  test('that stall do not hold close() up beyond its deadline', async () => {
    const held = Promise.withResolvers<void>();
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      await dialogue.readLine();
      held.resolve();
    });
    await using transport = openTransport({ url: server.url, closeTimeoutMs: 50 });
    const sending = transport.send(exampleMail(), never());
    await held.promise;
    await transport.close();
    expect(await sending).toMatchObject({ kind: 'failed', failure: { kind: 'transient', code: 'aborted' } });
  });
});

test('the log transport accepts and tells nothing of the reader, the link or the subject', async () => {
  const lines: string[] = [];
  const transport = createLogTransport((line) => lines.push(JSON.stringify(line)));
  expect(await transport.send(exampleMail(), never())).toEqual({
    kind: 'accepted',
    reply: 'logged, not sent',
  });
  await transport.close();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(exampleMail().messageId);
  expect(lines[0]).not.toMatch(/@|https?:|token|Confirma/);
});
