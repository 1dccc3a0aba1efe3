import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDkim } from '../../src/doctor/dkim.ts';
import { mailgun, senderWith, viewOf, type Zone } from './zone.ts';

const rsa = (modulusLength: number, type: 'spki' | 'pkcs1' = 'spki'): string =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ type, format: 'der' }).toString('base64');
const [weak, fair, good] = [rsa(512), rsa(1024), rsa(2048)];
const ed25519 = generateKeyPairSync('ed25519')
  .publicKey.export({ type: 'spki', format: 'der' })
  .subarray(-32)
  .toString('base64');

const selected = { ...mailgun, DKIM_SELECTORS: 's1' };
const check = (zone: Zone, settings: Readonly<Record<string, string>> = selected) =>
  checkDkim(senderWith(settings), viewOf(zone));
const keyAt = (text: string, name = 's1._domainkey.example.com'): Zone => ({ [name]: { TXT: [text] } });

describe('a DKIM key', () => {
  test.each([
    ['of 2048 bits', `v=DKIM1; k=rsa; p=${good}`],
    ['without a version', `k=rsa; p=${good}`],
    ['without a type', `p=${good};`],
    ['with blanks', `v=DKIM1 ; k=rsa ; p=${good.slice(0, 50)} ${good.slice(50)} ;`],
    ['as bare RSAPublicKey', `v=DKIM1; p=${rsa(2048, 'pkcs1')}`],
    ['for mail, with SHA-256', `v=DKIM1; h=sha1:sha256; s=email; t=s; p=${good}`],
    ['for anything', `v=DKIM1; s=*; p=${good}`],
  ])('is well %s', (_, text) => {
    expect(check(keyAt(text))).toMatchObject({
      usableDomains: ['example.com'],
      findings: [{ check: 'dkim', severity: 'ok', what: expect.stringContaining('2048 bits') as string }],
    });
  });

  test.each([
    ['of 1024 bits', `v=DKIM1; p=${fair}`, /1024 bits/],
    ['that is only tested', `v=DKIM1; t=y:s; p=${good}`, /t=y/],
    ['of Ed25519', `v=DKIM1; k=ed25519; p=${ed25519}`, /Ed25519/],
  ])('works but could be better %s', (_, text, what) => {
    expect(check(keyAt(text))).toMatchObject({
      usableDomains: ['example.com'],
      findings: [{ severity: 'warning', what: expect.stringMatching(what) as string }],
    });
  });

  test.each([
    ['of 512 bits', `v=DKIM1; p=${weak}`, /512 bits/],
    ['that is revoked', 'v=DKIM1; p=', /revoked/],
    ['that is revoked, with a blank', 'v=DKIM1; p= ;', /revoked/],
    ['for SHA-1 only', `v=DKIM1; h=sha1; p=${good}`, /SHA-256/],
    ['that is not for mail', `v=DKIM1; s=tlsrpt; p=${good}`, /not for mail/],
    ['of another version', `v=DKIM2; p=${good}`, /v=DKIM1/],
    ['with the version elsewhere', `k=rsa; v=DKIM1; p=${good}`, /v=DKIM1/],
    ['that was cut off', `v=DKIM1; p=${good.slice(0, 200)}`, /cannot be read/],
    ['of another type', `v=DKIM1; k=dsa; p=${good}`, /cannot be read/],
    ['that is no key', 'v=DKIM1; p=hello!', /cannot be read/],
  ])('does not work %s', (_, text, what) => {
    expect(check(keyAt(text))).toMatchObject({
      usableDomains: [],
      findings: [{ severity: 'error', what: expect.stringMatching(what) as string }],
    });
  });

  test('beside another is no key', () => {
    const zone = { 's1._domainkey.example.com': { TXT: [`p=${good}`, `p=${fair}`, 'a text of others'] } };
    expect(check(zone)).toMatchObject({ usableDomains: [], findings: [{ severity: 'error' }] });
  });

  test('that is configured and missing is told with the record to publish', () => {
    const zone = keyAt('v=spf1 -all');
    expect(check(zone)).toMatchObject({
      usableDomains: [],
      findings: [{ severity: 'error', record: { type: 'TXT', name: 's1._domainkey.example.com' } }],
    });
  });

  test('is looked for under every configured selector, the whole name included', () => {
    const settings = { ...mailgun, DKIM_SELECTORS: 's1,s2,x._domainkey.mg.example.com' };
    const zone = { ...keyAt(`p=${good}`), ...keyAt(`p=${good}`, 'x._domainkey.mg.example.com') };
    expect(check(zone, settings)).toMatchObject({
      usableDomains: ['example.com', 'mg.example.com'],
      findings: [
        { severity: 'ok' },
        { severity: 'error', record: { name: 's2._domainkey.example.com' } },
        { severity: 'ok' },
      ],
    });
  });

  test('is looked for where the service puts it, at the domain of From, its organization and the login', () => {
    const settings = {
      ...mailgun,
      MAIL_FROM: 'a@news.example.com',
      SMTP_URL: 'smtp://postmaster%40mg.example.com:password@smtp.mailgun.org',
    };
    for (const domain of ['news.example.com', 'example.com', 'mg.example.com'])
      expect(check(keyAt(`p=${good}`, `pdk1._domainkey.${domain}`), settings).usableDomains).toEqual([
        domain,
      ]);
  });

  test('that is found nowhere is an error where the selectors are known, and unknown where they are anybody’s guess', () => {
    expect(check({}, mailgun)).toMatchObject({ usableDomains: undefined, findings: [{ severity: 'error' }] });
    for (const host of ['smtp.postmarkapp.com', 'email-smtp.eu-west-1.amazonaws.com'])
      expect(check({}, { SMTP_URL: `smtp://${host}` })).toMatchObject({
        findings: [{ severity: 'unknown' }],
      });
    expect(check({}, {})).toMatchObject({ usableDomains: undefined, findings: [{ severity: 'unknown' }] });
  });

  test('is unknown, not missing, while the DNS is silent', () => {
    expect(check({ 's1._domainkey.example.com': { silent: true } })).toMatchObject({
      usableDomains: undefined,
      findings: [{ severity: 'unknown' }],
    });
  });

  test('is judged whatever stands there', () => {
    const tag = fc.constantFrom(
      'v=DKIM1',
      'p=',
      `p=${good}`,
      'k=rsa',
      'k=ed25519',
      't=y',
      'h=',
      's=',
      ';',
      '=',
      ' ',
    );
    const text = fc
      .array(fc.oneof(tag, fc.string({ maxLength: 20 })), { maxLength: 12 })
      .map((parts) => parts.join(';'));
    fc.assert(
      fc.property(text, (value) => {
        expect(check(keyAt(value)).findings).toHaveLength(1);
      }),
      { numRuns: 2000 },
    );
  });
});
