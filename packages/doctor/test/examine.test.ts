import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Report } from '@reconfirm/core/doctor/report';
import { makeCertificate } from '@reconfirm/local-stack/testing';
import { examine } from '../src/examine.ts';
import { senderWith } from './settings.ts';
import { type Sink, startRaw, startSmtp } from './smtp-sinks.ts';
import { startZoneServer, type Zone } from './zone-server.ts';

const certificate = makeCertificate({ daysLeft: 60 });
const tls = { key: certificate.key, cert: certificate.certificate };
const dkimKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ type: 'spki', format: 'der' })
  .toString('base64');

/** A domain of which everything is right, sending by a server of its own. */
const goodZone: Zone = {
  'example.com': {
    TXT: ['other=1', 'v=spf1 include:_spf.example.com ~all'],
    MX: ['20 late.example.com', '10 mx.example.com'],
  },
  '_spf.example.com': { TXT: ['v=spf1 a:out.example.com ip4:192.0.2.0/24 -all'] },
  'out.example.com': { A: ['93.184.216.34'] },
  'mx.example.com': { A: ['93.184.216.35'] },
  'late.example.com': { AAAA: ['2606:2800:220:1::1'] },
  's1._domainkey.example.com': { CNAME: 's1.keys.example.net' },
  's1.keys.example.net': { TXT: [`v=DKIM1; k=rsa; p=${dkimKey}`] },
  '_dmarc.example.com': { TXT: ['v=DMARC1; p=reject; rua=mailto:dmarc@example.com'] },
};

interface Scene {
  readonly zone?: Zone;
  readonly settings?: Readonly<Record<string, string>>;
  readonly smtp: Sink;
  readonly bounces: Sink;
  readonly databaseAheadMs?: number;
  readonly processNames?: readonly string[];
  readonly timeoutMs?: number;
}

/** The examination against real servers; addresses of the zone lead to the server of the bounces. */
const examineScene = async (
  scene: Scene,
): Promise<{ readonly report: Report; readonly routed: readonly string[]; readonly mostAtOnce: number }> => {
  await using dns = await startZoneServer(scene.zone ?? goodZone, 5);
  const routed: string[] = [];
  const report = await examine({
    sender: senderWith({
      MAIL_FROM: 'App <no-reply@example.com>',
      SMTP_URL: `smtp://the-user:right-password@localhost:${scene.smtp.port}`,
      DKIM_SELECTORS: 's1',
      ...scene.settings,
    }),
    isApi: false,
    database: {
      clock: async () => new Date(Date.now() + (scene.databaseAheadMs ?? 0)),
      processNames: async () => scene.processNames ?? ['reconfirm-mailer-worker 0123456789abcdef'],
    },
    dnsServers: [dns.address],
    trustedCertificates: certificate.certificate,
    bounceRoute: (address) => {
      routed.push(address);
      return { host: '127.0.0.1', port: scene.bounces.port };
    },
    timeoutMs: scene.timeoutMs ?? 20_000,
  });
  return { report, routed, mostAtOnce: dns.mostAtOnce() };
};

const troubles = (report: Report): readonly string[] =>
  report.findings
    .filter(({ severity }) => severity !== 'ok')
    .map(({ check, severity }) => `${severity} ${check}`);

describe('an examination', () => {
  test('finds nothing wrong where nothing is, and hands no mail over', async () => {
    await using smtp = await startSmtp(tls);
    await using bounces = await startSmtp();
    const { report, routed } = await examineScene({ smtp, bounces });
    expect(troubles(report)).toEqual([]);
    expect(report).toMatchObject({ verdict: 'ok', domain: 'example.com' });
    expect(smtp.seen).toEqual(['AUTH the-user']);
    // The best of the two servers, asked as a bounce asks.
    expect(routed).toEqual(['93.184.216.35']);
    expect(bounces.seen).toEqual(['RCPT no-reply@example.com FROM ']);
  });

  test('finds everything that is wrong at once', async () => {
    await using smtp = await startSmtp({ ...tls });
    await using bounces = await startSmtp();
    const zone: Zone = {
      'example.com': { TXT: ['v=spf1 a:gone.example.com +all'], MX: ['10 mx.example.com'] },
      'mx.example.com': { A: ['93.184.216.35'] },
      's1._domainkey.example.com': { TXT: ['v=DKIM1; p='] },
    };
    const settings = {
      MAIL_FROM: 'nobody@example.com',
      SMTP_URL: `smtp://the-user:wrong-password@localhost:${smtp.port}`,
    };
    const { report } = await examineScene({ smtp, bounces, zone, settings, databaseAheadMs: -900_000 });
    expect(troubles(report)).toEqual([
      'error spf',
      'error dkim',
      'error dmarc',
      'error dmarc',
      'error bounce_address',
      'error smtp',
      'error clock',
    ]);
    expect(report.verdict).toBe('error');
  });

  test('tells no secret, whatever the servers repeat', async () => {
    await using smtp = await startSmtp(tls);
    await using bounces = await startSmtp();
    const settings = {
      EMAIL_PROVIDER: 'mailgun',
      SMTP_URL: `smtp://the-user:the%2Fwrong-password@localhost:${smtp.port}`,
      MAILGUN_WEBHOOK_SIGNING_KEY: 'the-signing-key',
      DATABASE_URL: 'postgres://someone:the-database-password@db.example.com/db',
      PUBLIC_URL: 'https://verify.example.com',
    };
    const { report } = await examineScene({ smtp, bounces, settings });
    const refusal = report.findings.find(({ check }) => check === 'smtp');
    // The server did repeat what it was told.
    expect(refusal).toMatchObject({
      severity: 'error',
      what: expect.stringMatching(/535 .*\[removed\].*\[removed\]/) as string,
    });
    const encoded = ['the-user', 'the/wrong-password', '\0the-user\0the/wrong-password'].map((text) =>
      Buffer.from(text).toString('base64'),
    );
    for (const secret of [
      'the-user',
      'wrong-password',
      'the-signing-key',
      'the-database-password',
      ...encoded,
    ])
      expect(JSON.stringify(report)).not.toContain(secret);
  });

  test('takes a mailbox that is missing for an error, and a block list for nothing known', async () => {
    await using smtp = await startSmtp(tls);
    await using bounces = await startSmtp();
    const bounce = async (from: string) =>
      (await examineScene({ smtp, bounces, settings: { MAIL_FROM: from } })).report.findings.find(
        ({ check }) => check === 'bounce_address',
      );
    expect(await bounce('nobody@example.com')).toMatchObject({
      severity: 'error',
      what: expect.stringContaining('5.1.1') as string,
    });
    expect(await bounce('blocked@example.com')).toMatchObject({
      severity: 'unknown',
      what: expect.stringContaining('5.7.1') as string,
    });
  });

  test('connects to no private address that an MX record leads to', async () => {
    await using smtp = await startSmtp(tls);
    await using bounces = await startSmtp();
    const zone = {
      ...goodZone,
      'mx.example.com': { A: ['10.0.0.5'] },
      'late.example.com': { A: ['127.0.0.1'] },
    };
    const { report, routed } = await examineScene({ smtp, bounces, zone });
    expect(routed).toEqual([]);
    expect(troubles(report)).toEqual(['error mx', 'unknown bounce_address']);
  });

  test('ends in time, with what it knows, when the server says nothing', async () => {
    await using silent = await startRaw(() => {});
    await using bounces = await startSmtp();
    const began = performance.now();
    const { report } = await examineScene({ smtp: silent, bounces, timeoutMs: 4000 });
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(troubles(report)).toEqual(['error smtp']);
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        check: 'smtp',
        what: expect.stringContaining('no answer in time') as string,
      }),
    );
  });

  test('takes silence of a name server for no answer', async () => {
    await using smtp = await startSmtp(tls);
    await using bounces = await startSmtp();
    const zone = { ...goodZone, '_spf.example.com': { silent: true }, '_dmarc.example.com': { fails: true } };
    const { report } = await examineScene({ smtp, bounces, zone });
    expect(troubles(report)).toEqual(['unknown spf', 'unknown dmarc']);
    expect(report.verdict).toBe('unknown');
  });

  test('asks a bounded number of questions, few at once, of a record made to keep it busy', async () => {
    await using bounces = await startSmtp();
    const wide = Array.from({ length: 400 }, (_, n) => `include:i${n}.example.com`).join(' ');
    const zone = { ...goodZone, 'example.com': { TXT: [`v=spf1 ${wide} -all`], MX: ['10 mx.example.com'] } };
    await using dns = await startZoneServer(zone, 2);
    const report = await examine({
      sender: senderWith({ MAIL_FROM: 'a@example.com', DKIM_SELECTORS: 's1' }),
      isApi: false,
      dnsServers: [dns.address],
      bounceRoute: () => ({ host: '127.0.0.1', port: bounces.port }),
    });
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        check: 'spf',
        severity: 'error',
        what: expect.stringContaining('more than 30') as string,
      }),
    );
    expect(new Set(dns.questions).size).toBeLessThan(60);
    // Eight names, each for A and AAAA at most.
    expect(dns.mostAtOnce()).toBeLessThanOrEqual(16);
  });

  test('reads the clock of the provider’s own server', async () => {
    await using smtp = await startSmtp(tls);
    await using bounces = await startSmtp();
    const web = createServer((_request, response) => {
      response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
      response.statusCode = 404;
      response.end();
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const sender = senderWith({
      MAIL_FROM: 'a@example.com',
      EMAIL_PROVIDER: 'mailgun',
      SMTP_URL: `smtp://localhost:${smtp.port}`,
    });
    if (sender.service === undefined) throw new Error('Mailgun is a known service');
    const httpOrigin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    await using dns = await startZoneServer(goodZone);
    const report = await examine({
      sender: { ...sender, service: { ...sender.service, httpOrigin } },
      isApi: false,
      dnsServers: [dns.address],
    });
    web.close();
    await once(web, 'close');
    expect(report.findings.find(({ check }) => check === 'clock')).toMatchObject({
      severity: 'error',
      what: expect.stringMatching(/127\.0\.0\.1:\d+ is 3(?:599|600) s ahead/) as string,
    });
    expect(bounces.seen).toEqual([]);
  });
});
