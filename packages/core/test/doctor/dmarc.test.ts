import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDmarc } from '../../src/doctor/dmarc.ts';
import type { DkimResult } from '../../src/doctor/dkim.ts';
import type { SpfResult } from '../../src/doctor/spf.ts';
import { senderWith, viewOf, type Zone } from './zone.ts';

interface Proofs {
  readonly spf?: string | undefined;
  readonly dkim?: readonly string[] | undefined;
}

const proofsOf = ({ spf, dkim }: Proofs): { spf: SpfResult; dkim: DkimResult } => ({
  spf: { findings: [], domain: spf, isUsable: spf !== undefined },
  dkim: { findings: [], usableDomains: dkim },
});
const proved: Proofs = { spf: 'example.com', dkim: ['example.com'] };

const check = (zone: Zone, proofs: Proofs = proved, from = 'no-reply@example.com') =>
  checkDmarc(senderWith({ MAIL_FROM: from }), viewOf(zone), proofsOf(proofs));
const policy = (...texts: readonly string[]): Zone => ({ '_dmarc.example.com': { TXT: texts } });
const reject = 'v=DMARC1; p=reject; rua=mailto:dmarc@example.com';

describe('the DMARC record', () => {
  test.each([
    reject,
    'v=DMARC1; p=reject; sp=none; rua=mailto:a@example.com',
    'v=DMARC1;p=quarantine;rua=mailto:dmarc@sub.example.com!10m,https://x.example',
    'v=DMARC1; p=REJECT; adkim=s; aspf=s; rua=mailto:a@example.com; unknown=1',
  ])('is well as %s', (text) =>
    expect(check(policy(text, 'another text'))).toMatchObject([{ severity: 'ok' }]),
  );

  test.each([
    ['missing', {}, 'error', /no DMARC record/, 'v=DMARC1; p=none; rua=mailto:dmarc@example.com'],
    [
      'there twice',
      policy(reject, reject),
      'error',
      /2 records/,
      'v=DMARC1; p=none; rua=mailto:dmarc@example.com',
    ],
    [
      'without a policy',
      policy('v=DMARC1; rua=mailto:a@example.com'),
      'error',
      /no valid p=/,
      'v=DMARC1; p=none; rua=mailto:dmarc@example.com',
    ],
    [
      'with a policy that is none',
      policy('v=DMARC1; p=refuse'),
      'error',
      /no valid p=/,
      'v=DMARC1; p=none; rua=mailto:dmarc@example.com',
    ],
    [
      'with a tag twice',
      policy('v=DMARC1; p=none; p=reject'),
      'error',
      /cannot be read/,
      'v=DMARC1; p=none; rua=mailto:dmarc@example.com',
    ],
    [
      'only watching',
      policy('v=DMARC1; p=none; rua=mailto:a@example.com'),
      'warning',
      /only watches/,
      'v=DMARC1; p=quarantine; rua=mailto:a@example.com',
    ],
    [
      'without reports',
      policy('v=DMARC1; p=reject; adkim=s'),
      'warning',
      /gets the reports/,
      'v=DMARC1; p=reject; adkim=s; rua=mailto:dmarc@example.com',
    ],
  ] as const)('is not well when %s, and the right one is told', (_, zone, severity, what, value) => {
    expect(check(zone)).toMatchObject([
      {
        check: 'dmarc',
        severity,
        what: expect.stringMatching(what) as string,
        record: { type: 'TXT', name: '_dmarc.example.com', value },
      },
    ]);
  });

  test('covers all mail', () => {
    expect(check(policy('v=DMARC1; p=reject; pct=20; rua=mailto:a@example.com'))).toMatchObject([
      { severity: 'warning', what: expect.stringContaining('20 %') as string },
    ]);
  });

  test('of the organization holds where the domain of From has none, with its sp', () => {
    const from = 'a@mail.shop.example.co.uk';
    const proofs = { dkim: ['example.co.uk'] };
    const at = (text: string): Zone => ({ '_dmarc.example.co.uk': { TXT: [text] } });
    expect(check(at('v=DMARC1; p=reject; rua=mailto:a@example.co.uk'), proofs, from)).toMatchObject([
      { severity: 'ok' },
    ]);
    expect(check(at('v=DMARC1; p=reject; sp=none; rua=mailto:a@example.co.uk'), proofs, from)).toMatchObject([
      {
        severity: 'warning',
        what: expect.stringContaining('sp=none') as string,
        record: { value: 'v=DMARC1; p=reject; sp=quarantine; rua=mailto:a@example.co.uk' },
      },
    ]);
    expect(check(at('v=DMARC1; p=none; rua=mailto:a@example.co.uk'), proofs, from)).toMatchObject([
      {
        what: expect.stringContaining('(p=none)') as string,
        record: { value: 'v=DMARC1; p=quarantine; rua=mailto:a@example.co.uk' },
      },
    ]);
    expect(check({}, proofs, from)).toMatchObject([{ record: { name: '_dmarc.example.co.uk' } }]);
    // An own record goes before it, and the public suffix is never asked.
    const own = {
      '_dmarc.mail.shop.example.co.uk': { TXT: ['v=DMARC1; p=none; rua=mailto:a@example.co.uk'] },
    };
    expect(check({ ...at(reject), ...own }, proofs, from)).toMatchObject([{ severity: 'warning' }]);
    expect(check({ '_dmarc.co.uk': { TXT: [reject] } }, proofs, from)).toMatchObject([{ severity: 'error' }]);
  });

  test('sends reports only to an organization that has agreed', () => {
    const zone = policy('v=DMARC1; p=reject; rua=mailto:a@reports.example');
    expect(check(zone)).toMatchObject([
      {
        severity: 'warning',
        record: { type: 'TXT', name: 'example.com._report._dmarc.reports.example', value: 'v=DMARC1' },
      },
    ]);
    const agreed = { 'example.com._report._dmarc.reports.example': { TXT: ['v=DMARC1;'] } };
    expect(check({ ...zone, ...agreed })).toMatchObject([{ severity: 'ok' }]);
  });

  test('is unknown, not missing, while the DNS is silent', () => {
    expect(check({ '_dmarc.example.com': { silent: true } })).toMatchObject([{ severity: 'unknown' }]);
  });

  test('that is told can always be read again', () => {
    const tag = fc.constantFrom(
      'p=none',
      'sp=none',
      'adkim=s',
      'rua=mailto:x@y.example',
      'pct=5',
      ' ',
      'x',
      'v=DMARC1',
    );
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 6 }), (tags) => {
        for (const finding of check(policy(['v=DMARC1', ...tags].join(';')))) {
          const record = 'record' in finding ? finding.record : undefined;
          if (record === undefined || record.name !== '_dmarc.example.com') continue;
          expect(check(policy(record.value)).some(({ severity }) => severity === 'error')).toBe(false);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('alignment with From', () => {
  const strict = 'v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:a@example.com';
  test.each([
    ['by DKIM of the domain', reject, { dkim: ['example.com'] }, 'ok'],
    ['by DKIM of a subdomain', reject, { dkim: ['mg.example.com'] }, 'ok'],
    ['by DKIM of the domain alone where that is asked for', strict, { dkim: ['mg.example.com'] }, 'error'],
    ['by one of several keys', strict, { dkim: ['other.example', 'example.com'] }, 'ok'],
    ['by SPF alone', reject, { spf: 'send.example.com', dkim: [] }, 'warning'],
    [
      'by SPF of the domain alone where that is asked for',
      strict,
      { spf: 'send.example.com', dkim: [] },
      'error',
    ],
    ['by nothing', reject, { spf: 'other.example', dkim: ['other.example'] }, 'error'],
    ['not known where the selector is not', reject, { dkim: undefined }, 'ok'],
  ] as const)('is judged %s', (_, text, proofs, severity) => {
    expect(check(policy(text), proofs)).toMatchObject([{ severity }]);
  });
});
