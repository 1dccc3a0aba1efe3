import { describe, expect, test } from 'vitest';
import { checkSpf, spfDomainOf } from '../../src/doctor/spf.ts';
import { isSpfText, readSpfRecord } from '../../src/doctor/spf-record.ts';
import { mailgun, senderWith, viewOf, type Zone } from './zone.ts';

const spf = (...texts: readonly string[]) => ({ TXT: texts.map((text) => `v=spf1 ${text}`) });
const ofMailgun: Zone = { 'mailgun.org': spf('ip4:192.0.2.0/24 -all') };
const check = (zone: Zone, settings: Readonly<Record<string, string>> = mailgun, bounceDomain?: string) =>
  checkSpf(senderWith(settings, bounceDomain), viewOf({ ...ofMailgun, ...zone }));
const worst = (zone: Zone, settings?: Readonly<Record<string, string>>) => check(zone, settings).findings[0];

describe('the SPF record', () => {
  test.each([
    'include:mailgun.org -all',
    'include:MAILGUN.org ~all',
    'include:one.example ~all',
    'redirect=one.example',
  ])('is well as %s', (text) => {
    const result = check({ 'example.com': spf(text), 'one.example': spf('include:mailgun.org -all') });
    expect(result).toMatchObject({ isUsable: true, domain: 'example.com', findings: [{ severity: 'ok' }] });
  });

  test.each([
    ['missing', {}, 'error', /no SPF record/, 'v=spf1 include:mailgun.org ~all'],
    [
      'there twice',
      { 'example.com': spf('a:host.example ~all', 'include:mailgun.org -all') },
      'error',
      /2 SPF records/,
      'v=spf1 a:host.example include:mailgun.org -all',
    ],
    [
      'without the provider',
      { 'example.com': spf('mx ~all'), 'mx.example': {} },
      'error',
      /does not name Mailgun/,
      'v=spf1 mx include:mailgun.org ~all',
    ],
    [
      'open to everybody',
      { 'example.com': spf('include:mailgun.org +all') },
      'error',
      /\+all/,
      'v=spf1 include:mailgun.org ~all',
    ],
    [
      'without an end',
      { 'example.com': spf('include:mailgun.org') },
      'warning',
      /says nothing of servers/,
      'v=spf1 include:mailgun.org ~all',
    ],
    [
      'neutral at its end',
      { 'example.com': spf('include:mailgun.org ?all') },
      'warning',
      /says nothing of servers/,
      'v=spf1 include:mailgun.org ~all',
    ],
    [
      'mistaken in a term',
      { 'example.com': spf('ipv4:192.0.2.1 include:mailgun.org -all') },
      'error',
      /ipv4:192\.0\.2\.1/,
      'v=spf1 include:mailgun.org -all',
    ],
    [
      'including a name that has none',
      { 'example.com': spf('include:gone.example include:mailgun.org -all') },
      'error',
      /gone\.example.* has none/,
      'v=spf1 include:mailgun.org -all',
    ],
  ] as const)('is not well when %s, and the right one is told', (_, zone, severity, what, value) => {
    expect(worst(zone)).toMatchObject({
      check: 'spf',
      severity,
      what: expect.stringMatching(what) as string,
      record: { type: 'TXT', name: 'example.com', value },
    });
  });

  test('may cost ten look-ups and not eleven', () => {
    const includes = (count: number) =>
      Array.from({ length: count }, (_, n) => `include:i${n}.example`).join(' ');
    const zone = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`i${n}.example`, spf('-all')]));
    const record = (count: number) => ({
      ...zone,
      'example.com': spf(`include:mailgun.org ${includes(count)} -all`),
    });
    expect(check(record(9))).toMatchObject({
      isUsable: true,
      findings: [{ severity: 'ok', what: expect.stringContaining('10 of 10') as string }],
    });
    expect(check(record(10))).toMatchObject({
      isUsable: false,
      findings: [
        {
          severity: 'error',
          what: expect.stringContaining('costs 11 DNS look-ups') as string,
          record: { name: 'mail.example.com' },
        },
      ],
    });
  });

  test('may lead nowhere twice and not three times', () => {
    const record = (text: string) => ({ 'example.com': spf(`include:mailgun.org ${text} -all`) });
    expect(check(record('a:x.example a:y.example')).isUsable).toBe(true);
    expect(worst(record('a:x.example a:y.example mx:z.example'))).toMatchObject({
      severity: 'error',
      what: expect.stringContaining('3 names') as string,
    });
  });

  test('uses no ptr', () => {
    expect(worst({ 'example.com': spf('include:mailgun.org ptr -all') })).toMatchObject({
      severity: 'warning',
      what: expect.stringContaining('ptr') as string,
    });
  });

  test('is unknown, not missing, while the DNS is silent', () => {
    const silent = check({ 'example.com': { silent: true } });
    expect(silent).toMatchObject({ isUsable: undefined, findings: [{ severity: 'unknown' }] });
    const behind = check({
      'example.com': spf('include:mailgun.org include:late.example -all'),
      'late.example': { silent: true },
    });
    expect(behind).toMatchObject({
      isUsable: undefined,
      findings: [{ severity: 'unknown', what: expect.stringContaining('late.example') as string }],
    });
  });

  test('that is told can always be read, has no +all and keeps what stood there', () => {
    const told = [
      'a mx +all',
      'redirect=mailgun.org',
      '',
      'exp=e.example.com a ?all',
      '-include:bad.example all',
    ].flatMap((text) =>
      check({ 'example.com': spf(text) }).findings.flatMap((finding) =>
        'record' in finding ? [finding.record] : [],
      ),
    );
    expect(told.length).toBeGreaterThan(4);
    for (const record of told) {
      const value = record?.value ?? '';
      expect(isSpfText(value)).toBe(true);
      expect(readSpfRecord(value)).not.toHaveProperty('badTerm');
      expect(value).toMatch(/ [-~]all$/);
    }
  });

  test('of an unknown server is told with its name, or asks for the address where the name says nothing', () => {
    const value = (url: string) => {
      const finding = worst({}, { SMTP_URL: url });
      return finding !== undefined && 'record' in finding ? finding.record?.value : undefined;
    };
    expect(value('smtp://smtp.example.net:587')).toBe('v=spf1 a:smtp.example.net ~all');
    expect(value('smtp://93.184.216.34')).toBe('v=spf1 ip4:93.184.216.34 ~all');
    expect(value('smtp://[2606:2800:220:1::1]')).toBe('v=spf1 ip6:2606:2800:220:1::1 ~all');
    for (const local of ['smtp://127.0.0.1:25', 'smtp://localhost', 'smtp://postfix:25', 'smtp://10.0.0.5'])
      expect(value(local)).toMatch(/<the address/);
  });
});

describe('the domain whose record counts', () => {
  const domainOf = (settings: Readonly<Record<string, string>>, bounceDomain?: string) =>
    spfDomainOf(senderWith(settings, bounceDomain));

  test('is that of the bounces, as the service makes it', () => {
    expect(domainOf({})).toBe('example.com');
    expect(domainOf({}, 'b.example.com')).toBe('b.example.com');
    expect(
      domainOf({
        EMAIL_PROVIDER: 'mailgun',
        SMTP_URL: 'smtp://postmaster%40mg.example.com:p@smtp.eu.mailgun.org',
      }),
    ).toBe('mg.example.com');
    expect(domainOf({ SMTP_URL: 'smtp://smtp.resend.com' })).toBe('send.example.com');
    expect(domainOf({ SMTP_URL: 'smtp://smtp.postmarkapp.com' })).toBe('pm-bounces.example.com');
  });

  test('is nobody of ours with a service that uses its own, unless one of ours is set up', () => {
    const ses = { SMTP_URL: 'smtp://email-smtp.eu-central-1.amazonaws.com:587' };
    expect(check({}, ses)).toMatchObject({
      domain: undefined,
      isUsable: undefined,
      findings: [{ severity: 'ok' }],
    });
    expect(check({}, ses, 'bounce.example.com')).toMatchObject({
      domain: 'bounce.example.com',
      findings: [{ severity: 'error', record: { value: 'v=spf1 include:amazonses.com ~all' } }],
    });
  });

  test('proves nothing where its record does not name the service', () => {
    const zone = { 'send.example.com': spf('ip4:192.0.2.1 -all') };
    expect(check(zone, { SMTP_URL: 'smtp://smtp.resend.com' })).toMatchObject({
      isUsable: false,
      findings: [{ severity: 'warning' }],
    });
  });

  test('has the record that makes it told', () => {
    expect(worst({}, { SMTP_URL: 'smtp://smtp.postmarkapp.com' })).toMatchObject({
      record: { type: 'CNAME', name: 'pm-bounces.example.com', value: 'pm.mtasv.net' },
    });
  });
});
