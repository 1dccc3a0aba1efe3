import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Report } from '@reconfirm/core/doctor/report';
import { createTestDatabase, testStores } from '@reconfirm/local-stack/testing';
import { startZoneServer, type Zone } from './zone-server.ts';

const command = new URL('../src/main.ts', import.meta.url).pathname;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command with nothing in its environment but what is given. */
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], { env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
  });

const dkimKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ type: 'spki', format: 'der' })
  .toString('base64');

/** With Mailgun nobody but these name servers is asked: it takes the bounces, and its clock has no address here. */
const mailgun = { EMAIL_PROVIDER: 'mailgun', MAILGUN_WEBHOOK_SIGNING_KEY: 'the-key' };

const zone: Zone = {
  'example.com': { TXT: ['v=spf1 include:mailgun.org ~all'], MX: ['10 mx.example.com'] },
  'mailgun.org': { TXT: ['v=spf1 ip4:192.0.2.0/24 ~all'] },
  'mx.example.com': { A: ['93.184.216.35'] },
};

describe('the command', () => {
  test('prints a report that a person can read, with the record to publish, and ends with 1 on errors', async () => {
    await using dns = await startZoneServer(zone);
    const { code, out, err } = await run(['--domain', 'example.com', '--dns-server', dns.address], {
      ...mailgun,
    });
    expect(err).toBe('');
    expect(code).toBe(1);
    expect(out).toContain('Set-up of the sender example.com\n');
    expect(out).toMatch(/^ok {7}SPF {10}example\.com has one record, 1 of 10 DNS look-ups$/m);
    expect(out).toMatch(/^ERROR {4}DMARC {8}example\.com has no DMARC record$/m);
    expect(out).toMatch(
      /^ {24}_dmarc\.example\.com {2}TXT {2}v=DMARC1; p=none; rua=mailto:dmarc@example\.com$/m,
    );
    expect(out).toMatch(/^\d errors?, \d unknown; the rest is well\.$/m);
  });

  test('gives the same as JSON, takes selectors, and asks the database for its time', async () => {
    await using dns = await startZoneServer(zone);
    const database = await createTestDatabase(testStores());
    const { code, out, err } = await run(
      ['--json', '--dkim-selector', 'a', '--dkim-selector', 'b._domainkey.example.net'],
      {
        ...mailgun,
        MAIL_FROM: 'App <no-reply@example.com>',
        DOCTOR_DNS_SERVERS: dns.address,
        DATABASE_URL: database.url,
      },
    );
    await database.drop();
    expect(err).toBe('');
    expect(code).toBe(1);
    const report = JSON.parse(out) as Report;
    expect(report).toMatchObject({ domain: 'example.com', verdict: 'error' });
    const about = (check: string): readonly string[] =>
      report.findings.filter((finding) => finding.check === check).map(({ what }) => what);
    expect(about('dkim')).toEqual([
      'a._domainkey.example.com has no DKIM key',
      'b._domainkey.example.net has no DKIM key',
    ]);
    expect(about('clock')).toEqual(['This clock agrees with that of the database']);
  });

  test('ends with 0 where nothing is wrong', async () => {
    await using dns = await startZoneServer({
      ...zone,
      'pdk1._domainkey.example.com': { TXT: [`v=DKIM1; p=${dkimKey}`] },
      '_dmarc.example.com': { TXT: ['v=DMARC1; p=reject; rua=mailto:a@example.com'] },
    });
    const { code, out } = await run(['--domain', 'example.com', '--dns-server', dns.address], mailgun);
    expect(out).toMatch(/^\d unknown; the rest is well\.$/m);
    expect(code).toBe(0);
  });

  test('says everything that is wrong with what it was given, and ends with 78', async () => {
    const wrong = await run(['--domain', 'a b', '--dns-server', 'nowhere', '--dkim-selector', 'x y'], {
      SMTP_URL: 'http://x',
    });
    expect(wrong.code).toBe(78);
    for (const word of ['a b is no domain', 'nowhere', 'x y', 'SMTP_URL must be'])
      expect(wrong.err).toContain(word);
    expect(await run(['--foo'])).toMatchObject({ code: 78, out: '' });
    expect(await run(['argument'])).toMatchObject({ code: 78, out: '' });
  });

  test('explains itself', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const word of [
      '--json',
      '--domain',
      '--dkim-selector',
      '--dns-server',
      '--bounce-domain',
      'DKIM_SELECTORS',
    ])
      expect(out).toContain(word);
  });
});
