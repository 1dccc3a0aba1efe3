import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Secret } from '../src/secret.ts';
import { judgeClientAddress, parseClientAddressKeys } from '../src/signed-client-address.ts';

const [key, next] = ['a'.repeat(32), 'b'.repeat(32)];
const nowMs = 1_764_100_000_000;
const nowSeconds = nowMs / 1000;

const signed = (address: string, seconds = nowSeconds, by = key): string =>
  `t=${seconds},a=${address},v1=${createHmac('sha256', by).update(`${seconds}.${address}`).digest('hex')}`;

const judge = (header: string, keys = [key]) =>
  judgeClientAddress(
    header,
    keys.map((text) => new Secret(text)),
    300,
    nowMs,
  );

describe('the address that a server vouches for', () => {
  test.each(['203.0.113.7', '2001:db8::1', '::ffff:203.0.113.7', '2001:DB8:0:0:0:0:0:1'])(
    'is %s where a key has signed it',
    (address) => expect(judge(signed(address))).toEqual({ valid: true, address }),
  );

  test('as any OpenSSL signs it', () => {
    // printf 1764100000.203.0.113.7 | openssl dgst -sha256 -hmac aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    const v1 = '144a8154230dd40d1a1660753495d6ca2b072a0c82c6b1e4d7b3a8cb6ba381d4';
    expect(judge(`t=1764100000,a=203.0.113.7,v1=${v1}`)).toMatchObject({ valid: true });
  });

  test('is taken from either key while one replaces the other, and from no third', () => {
    for (const by of [key, next])
      expect(judge(signed('203.0.113.7', nowSeconds, by), [key, next])).toMatchObject({ valid: true });
    expect(judge(signed('203.0.113.7', nowSeconds, 'c'.repeat(32)), [key, next])).toEqual({
      valid: false,
      why: 'mismatch',
    });
  });

  test('is nobody’s word where no key is configured', () =>
    expect(judge(signed('203.0.113.7'), [])).toEqual({ valid: false, why: 'unexpected' }));

  test.each([-301, 301, -86_400])('is stale %i seconds away', (away) =>
    expect(judge(signed('203.0.113.7', nowSeconds + away))).toEqual({ valid: false, why: 'stale' }),
  );

  test.each([-300, 0, 300])('is fresh %i seconds away', (away) =>
    expect(judge(signed('203.0.113.7', nowSeconds + away))).toMatchObject({ valid: true }),
  );

  test('is not another one with its signature, nor of another time', () => {
    const header = signed('203.0.113.7');
    for (const changed of [
      header.replace('203.0.113.7', '203.0.113.8'),
      header.replace(`t=${nowSeconds}`, `t=${nowSeconds + 1}`),
    ])
      expect(judge(changed)).toEqual({ valid: false, why: 'mismatch' });
  });

  test.each([
    '',
    '203.0.113.7',
    't=1764100000,a=203.0.113.7',
    't=1764100000,a=example.com,v1=00',
    `${signed('203.0.113.7')}, ${signed('203.0.113.8')}`,
    signed('203.0.113.777'),
    signed('fe80::1%eth0'),
    signed('203.0.113.7').toUpperCase(),
    `${signed('203.0.113.7')}\n`,
  ])('is malformed as %j', (header) => expect(judge(header)).toEqual({ valid: false, why: 'malformed' }));
});

describe('keys that sign', () => {
  test('are read with commas between, and printed by nothing', () => {
    const keys = parseClientAddressKeys(`${key}, ${next}`);
    expect(keys).toHaveLength(2);
    expect(JSON.stringify(keys)).toBe('["[secret]","[secret]"]');
  });

  test.each(['short', `${key},short`, `${key},`, `${key} ${next}`])('are not %j', (text) =>
    expect(parseClientAddressKeys(text)).toHaveProperty('problem'),
  );
});
