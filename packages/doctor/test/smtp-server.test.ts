import { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { SmtpServer } from '@reconfirm/core/doctor/sender';
import { makeCertificate, type TestCertificate } from '@reconfirm/local-stack/testing';
import { visitSmtpServer } from '../src/smtp-server.ts';
import { senderWith } from './settings.ts';
import { startRaw, startSmtp } from './smtp-sinks.ts';

const own = makeCertificate({ daysLeft: 60 });
const keys = ({ key, certificate }: TestCertificate) => ({ key, cert: certificate });

/** Long enough for a busy machine; only tests of silence wait for an end of their own. */
const within = (timeoutMs: number): AbortSignal => AbortSignal.timeout(timeoutMs);
const visit = (url: string, trusted: string | undefined = own.certificate, signal = within(15_000)) =>
  visitSmtpServer(senderWith({ SMTP_URL: url, SMTP_TLS: 'required' }).smtp as SmtpServer, {
    signal,
    trustedCertificates: trusted,
  });

describe('a visit to the SMTP server', () => {
  test('sees STARTTLS with a certificate that is good, and logs in', async () => {
    await using server = await startSmtp(keys(own));
    const { facts } = await visit(`smtp://us%40er:right-password@localhost:${server.port}`);
    expect(facts).toMatchObject({
      kind: 'talked',
      login: 'accepted',
      tls: { protocol: 'TLSv1.3', chainFault: undefined, isForName: true },
    });
    const { tls } = facts as Extract<typeof facts, { kind: 'talked' }>;
    expect(Math.round(((tls?.validTo.getTime() ?? 0) - Date.now()) / 86_400_000)).toBe(60);
    expect(server.seen).toEqual(['AUTH us@er']);
  });

  test('sees TLS from the first byte', async () => {
    await using server = await startSmtp({ ...keys(own), secure: true });
    const { facts } = await visit(`smtps://user:right-password@127.0.0.1:${server.port}`);
    expect(facts).toMatchObject({
      kind: 'talked',
      login: 'accepted',
      tls: { chainFault: undefined, isForName: true },
    });
  });

  test('logs in where only LOGIN is offered', async () => {
    await using server = await startSmtp({ ...keys(own), authMethods: ['LOGIN'] });
    expect((await visit(`smtp://user:right-password@localhost:${server.port}`)).facts).toMatchObject({
      login: 'accepted',
    });
  });

  test('tells a refused login, without what was tried', async () => {
    for (const authMethods of [['PLAIN'], ['LOGIN']]) {
      await using server = await startSmtp({ ...keys(own), authMethods });
      const { facts } = await visit(`smtp://some-user:wrong-password@localhost:${server.port}`);
      expect(facts).toMatchObject({
        kind: 'talked',
        login: 'refused',
        loginReply: expect.stringMatching(/^535/) as string,
      });
      expect(JSON.stringify(facts)).not.toMatch(/some-user|wrong-password/);
    }
  });

  test.each([
    ['nobody vouches for', own, undefined, { chainFault: 'DEPTH_ZERO_SELF_SIGNED_CERT', isForName: true }],
    [
      'is for another name',
      makeCertificate({ names: ['smtp.other.example'] }),
      'itself',
      { chainFault: undefined, isForName: false, names: 'DNS:smtp.other.example' },
    ],
    [
      'has run out',
      makeCertificate({ daysLeft: -3 }),
      'itself',
      { chainFault: 'CERT_HAS_EXPIRED', isForName: true },
    ],
  ] as const)('sees a certificate that %s, and keeps the password', async (_, certificate, trust, tls) => {
    await using server = await startSmtp(keys(certificate));
    // Trusting another certificate alone is the same as trusting none.
    const trusted = trust === 'itself' ? certificate.certificate : makeCertificate().certificate;
    const { facts } = await visit(`smtp://user:right-password@localhost:${server.port}`, trusted);
    expect(facts).toMatchObject({ kind: 'talked', login: 'not_tried', tls });
    expect(server.seen).toEqual([]);
  });

  test('sees protocols that are too old', async () => {
    await using server = await startSmtp({
      ...keys(own),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const { facts } = await visit(`smtp://user:right-password@localhost:${server.port}`);
    expect(facts).toMatchObject({ kind: 'talked', login: 'not_tried', tls: { protocol: 'TLSv1.1' } });
  });

  test('ends where the server offers no STARTTLS', async () => {
    await using server = await startSmtp();
    expect((await visit(`smtp://user:right-password@localhost:${server.port}`)).facts).toMatchObject({
      kind: 'failed',
      stage: 'starttls',
    });
    expect(server.seen).toEqual([]);
  });

  test('tells at which step it ended', async () => {
    const closed = await startRaw(() => {});
    const { port } = closed;
    await closed[Symbol.asyncDispose]();
    expect((await visit(`smtp://127.0.0.1:${port}`)).facts).toEqual({
      kind: 'failed',
      stage: 'connect',
      reason: 'ECONNREFUSED',
    });

    await using web = await startRaw((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect((await visit(`smtp://127.0.0.1:${web.port}`)).facts).toMatchObject({
      kind: 'failed',
      stage: 'greeting',
    });

    await using full = await startRaw((socket) => socket.end('554 no service for you\r\n'));
    expect((await visit(`smtp://127.0.0.1:${full.port}`)).facts).toMatchObject({
      kind: 'failed',
      stage: 'greeting',
      reason: expect.stringContaining('no service') as string,
    });

    // smtps:// to a server that waits for STARTTLS: the commonest of all mistakes.
    await using clear = await startSmtp(keys(own));
    expect((await visit(`smtps://127.0.0.1:${clear.port}`)).facts).toMatchObject({
      kind: 'failed',
      stage: 'handshake',
    });
  });

  test('reads the clock that a greeting shows', async () => {
    await using server = await startRaw((socket) =>
      socket.end('220 mx ESMTP; Wed, 25 Nov 2026 12:00:00 +0100\r\n'),
    );
    expect((await visit(`smtp://127.0.0.1:${server.port}`)).clock?.theirs).toEqual(
      new Date('2026-11-25T11:00:00Z'),
    );
  });

  test('ends in time with a server that says nothing, or too much', async () => {
    await using silent = await startRaw(() => {});
    expect((await visit(`smtp://127.0.0.1:${silent.port}`, undefined, within(2000))).facts).toEqual({
      kind: 'failed',
      stage: 'greeting',
      reason: 'no answer in time',
    });
    await using endless = await startRaw((socket) => socket.write(`220-${'x'.repeat(100_000)}`));
    expect((await visit(`smtp://127.0.0.1:${endless.port}`)).facts).toMatchObject({
      kind: 'failed',
      reason: 'it says too much',
    });
    await using repeating = await startRaw((socket) => socket.write('220-and so on\r\n'.repeat(2000)));
    expect((await visit(`smtp://127.0.0.1:${repeating.port}`)).facts).toMatchObject({
      kind: 'failed',
      reason: 'it says too much',
    });
  });

  test('reads nothing that came in clear after STARTTLS', async () => {
    await using server = await startRaw((socket) => {
      socket.write('220 mx\r\n');
      const onClear = (chunk: Buffer): void => {
        if (String(chunk).startsWith('EHLO')) socket.write('250-mx\r\n250 STARTTLS\r\n');
        if (!String(chunk).startsWith('STARTTLS')) return;
        socket.removeListener('data', onClear);
        // Whoever sits in between adds an offer that the server behind TLS does not make.
        socket.write('220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n');
        const secured = new TLSSocket(socket, { isServer: true, ...keys(own) });
        secured.on('error', () => {});
        secured.on('data', (line: Buffer) => {
          server.seen.push(String(line));
          secured.write('250 mx\r\n');
        });
      };
      socket.on('data', onClear);
    });
    const { facts } = await visit(`smtp://user:right-password@127.0.0.1:${server.port}`);
    expect(facts).toMatchObject({ kind: 'talked', login: 'not_tried', tls: { isForName: true } });
    expect(server.seen.join('')).toMatch(/^EHLO/);
    expect(server.seen.join('')).not.toContain('AUTH');
  });
});
