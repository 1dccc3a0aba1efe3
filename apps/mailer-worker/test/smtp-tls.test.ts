import type { SMTPServerOptions } from 'smtp-server';
import { describe, expect, test } from 'vitest';
import { createSmtpTransport } from '../src/transports/smtp.ts';
import { makeCertificate } from './smtp-certificate.ts';
import { startInbox } from './smtp-inbox.ts';
import { exampleMail, never, openTransport } from './smtp-mail.ts';
import { startScriptedServer } from './smtp-scripted-server.ts';

const { key, certificate } = makeCertificate();

describe('with TLS required', () => {
  test('a server without STARTTLS gets neither the password nor the mail', async () => {
    await using server = await startScriptedServer(async ({ write, answer }) => {
      write('220 ready');
      await answer('EHLO', '250-scripted\r\n250 AUTH PLAIN');
      await answer('STARTTLS', '502 5.5.1 not implemented');
    });
    const url = server.url.replace('smtp://', 'smtp://user:secret-password@');
    await using transport = openTransport({ url, tls: 'required' });
    const result = await transport.send(exampleMail(), never());
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'misconfigured', code: 'tls' } });
    expect(server.lines.map((line) => line.split(' ')[0])).toEqual(['EHLO', 'STARTTLS']);
  });

  test('a mail goes over STARTTLS to a server whose certificate is trusted', async () => {
    await using inbox = await startInbox({ key, cert: certificate });
    await using transport = openTransport({
      url: inbox.url,
      tls: 'required',
      trustedCertificates: certificate,
    });
    expect((await transport.send(exampleMail(), never())).kind).toBe('accepted');
    expect(inbox.mails[0]?.secure).toBe(true);
  });

  test('smtps:// is encrypted from the first byte, whatever the mode', async () => {
    await using inbox = await startInbox({ key, cert: certificate, secure: true });
    const url = `smtps://127.0.0.1:${inbox.port}`;
    await using transport = openTransport({ url, tls: 'off', trustedCertificates: certificate });
    expect((await transport.send(exampleMail(), never())).kind).toBe('accepted');
    expect(inbox.mails[0]?.secure).toBe(true);
  });

  test.each(['smtp', 'smtps'] as const)('a certificate that nobody vouches for ends %s', async (scheme) => {
    await using inbox = await startInbox({ key, cert: certificate, secure: scheme === 'smtps' });
    await using transport = openTransport({ url: `${scheme}://127.0.0.1:${inbox.port}`, tls: 'required' });
    const result = await transport.send(exampleMail(), never());
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'misconfigured', code: 'tls' } });
    expect(inbox.mails).toEqual([]);
  });

  test('what a man in the middle appends to the STARTTLS reply is not read', async () => {
    await using server = await startScriptedServer(async ({ write, answer, readLine }) => {
      write('220 ready');
      await answer('EHLO', '250-scripted\r\n250 STARTTLS');
      await answer('STARTTLS', '220 go\r\n250-scripted\r\n250 AUTH PLAIN');
      await readLine();
    });
    await using transport = openTransport({ url: server.url, tls: 'required', sendTimeoutMs: 300 });
    const result = await transport.send(exampleMail(), never());
    expect(result.kind).toBe('failed');
    expect(server.lines.some((line) => /^(?:AUTH|MAIL|RCPT|DATA)/.test(line))).toBe(false);
  });
});

describe('credentials', () => {
  const withLogin = (accepted: string): SMTPServerOptions => ({
    authOptional: false,
    key,
    cert: certificate,
    onAuth: ({ password }, _session, callback) =>
      password === accepted ? callback(null, { user: 'user' }) : callback(new Error('wrong')),
  });
  const urlFor = (port: number, password: string): string =>
    `smtp://us%40er:${encodeURIComponent(password)}@127.0.0.1:${port}`;

  test('with special characters are read from the URL', async () => {
    await using inbox = await startInbox(withLogin('p@ss:/?#%'));
    const url = urlFor(inbox.port, 'p@ss:/?#%');
    await using transport = openTransport({ url, tls: 'required', trustedCertificates: certificate });
    expect((await transport.send(exampleMail(), never())).kind).toBe('accepted');
  });

  test('that are wrong are a setting to correct, and stay out of the reply', async () => {
    await using inbox = await startInbox(withLogin('right'));
    const url = urlFor(inbox.port, 'wrong-password');
    await using transport = openTransport({ url, tls: 'required', trustedCertificates: certificate });
    const result = await transport.send(exampleMail(), never());
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'misconfigured', code: 'auth' } });
    expect(result.reply).not.toMatch(/wrong-password|us@er/);
  });

  test('are never sent in clear to another machine', () => {
    expect(() => createSmtpTransport({ url: 'smtp://user:pass@mail.example.com:25', tls: 'off' })).toThrow(
      /TLS off/,
    );
    expect(() => createSmtpTransport({ url: 'smtp://user:pass@127.0.0.1:25', tls: 'off' })).not.toThrow();
    expect(() => createSmtpTransport({ url: 'smtp://user:pass@[::1]:25', tls: 'off' })).not.toThrow();
  });

  test('do not stand in the error about a bad URL', () => {
    expect(() => createSmtpTransport({ url: 'http://user:pass@host', tls: 'required' })).toThrow(
      /^(?!.*pass).*smtp:/,
    );
  });
});
