import { describe, expect, test } from 'vitest';
import { checkMx } from '../../src/doctor/mx.ts';
import { mailgun, senderWith, viewOf, type Zone } from './zone.ts';

const host = { address: ['93.184.216.34'] };
const well: Zone = { 'example.com': { MX: ['10 mx.example.com'] }, 'mx.example.com': host };
const check = (zone: Zone, settings: Readonly<Record<string, string>> = {}, bounceDomain?: string) =>
  checkMx(senderWith(settings, bounceDomain), viewOf(zone));

describe('a domain that answers come to', () => {
  test('is well with a server that has an address', () =>
    expect(check(well)).toMatchObject([{ severity: 'ok' }]));

  test.each([
    ['does not exist', {}, 'error', /does not exist/],
    ['has neither MX nor address', { 'example.com': { TXT: ['x'] } }, 'error', /neither MX nor address/],
    ['says that it takes none', { 'example.com': { MX: ['0 '], ...host } }, 'error', /null MX/],
    ['says so in the other spelling', { 'example.com': { MX: ['0 .'] } }, 'error', /null MX/],
    [
      'says so beside a server',
      { 'example.com': { MX: ['0 ', '10 mx.example.com'] }, 'mx.example.com': host },
      'error',
      /null MX beside/,
    ],
    ['names an address', { 'example.com': { MX: ['10 93.184.216.34'] } }, 'error', /is an address/],
    [
      'names a server that does not exist',
      { 'example.com': { MX: ['10 mx.example.com'] } },
      'error',
      /no address/,
    ],
    [
      'names a server in a private network',
      {
        'example.com': { MX: ['10 mx.example.com'] },
        'mx.example.com': { address: ['10.0.0.1', 'fe80::1'] },
      },
      'error',
      /no address/,
    ],
    [
      'has one dead server of two',
      { ...well, 'example.com': { MX: ['10 mx.example.com', '20 gone.example.com'] } },
      'warning',
      /gone\.example\.com/,
    ],
    ['has an address alone', { 'example.com': host }, 'warning', /no MX record/],
    ['is not answered for', { 'example.com': { silent: true } }, 'unknown', /did not answer/],
  ] as const)('is not well when it %s', (_, zone, severity, what) => {
    expect(check(zone)).toMatchObject([
      { check: 'mx', severity, what: expect.stringMatching(what) as string },
    ]);
  });

  test('is that of From, of Reply-To and of the bounces, each once', () => {
    expect(
      check({}, { MAIL_REPLY_TO: 'help@help.example' }, 'b.example.com').map(({ what }) => what),
    ).toEqual([
      expect.stringContaining('example.com, the domain of From'),
      expect.stringContaining('help.example, the domain of Reply-To'),
      expect.stringContaining('b.example.com, the domain of the bounces'),
    ]);
    expect(check({}, { MAIL_REPLY_TO: 'help@example.com' })).toHaveLength(1);
  });

  test('of bounces is the service’s matter where it takes them, and ours where it asks for a record', () => {
    const login = { ...mailgun, SMTP_URL: 'smtp://a%40mg.example.com:b@smtp.mailgun.org' };
    expect(check(well, login)).toMatchObject([{ severity: 'ok' }]);
    expect(check(well, { SMTP_URL: 'smtp://smtp.resend.com' })).toMatchObject([
      {
        severity: 'error',
        what: expect.stringContaining('send.example.com') as string,
        record: { type: 'MX' },
      },
    ]);
  });
});
