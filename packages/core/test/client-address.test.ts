import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressRanges, clientPrefix, isAddressRange } from '../src/client-address.ts';
import { anyText } from './any-text.ts';
import { fullRuns, fullRunsTimeoutMs } from './full-runs.ts';

describe('the part of an address that shares a budget', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:0:0:0:0/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2:0:0:0:0/64'],
    ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:0:0:0/64'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:0/64'],
    ['fe80::2%1.2.3.4', 'fe80:0:0:0:0:0:0:0/64'],
    ['::', '0:0:0:0:0:0:0:0/64'],
    ['::1', '0:0:0:0:0:0:0:0/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0:0:0:0:0/64'],
    ['::ffff:0:192.0.2.7', '0:0:0:0:0:0:0:0/64'],
  ])('%s counts as %s', (address, expected) => expect(clientPrefix(address)).toBe(expected));

  test.each([
    [32, '2001:db8:0:0:0:0:0:0/32'],
    [48, '2001:db8:1234:0:0:0:0:0/48'],
    [56, '2001:db8:1234:5600:0:0:0:0/56'],
    [60, '2001:db8:1234:5670:0:0:0:0/60'],
    [64, '2001:db8:1234:5678:0:0:0:0/64'],
  ])('a prefix of %i bits is cut at the bit', (bits, expected) =>
    expect(clientPrefix('2001:db8:1234:5678:9abc:def0:1:2', bits)).toBe(expected),
  );

  test.each([
    '',
    'unknown',
    'localhost',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.7:80',
    ' 192.0.2.7',
    '01.2.3.4',
    ':::',
    '1:2:3',
    '[::1]',
    '2001:db8::1::2',
    '192.0.2.7, 10.0.0.1',
    '::ffff:999.1.1.1',
    '\u0000',
    '١٩٢.0.2.7',
  ])('%j shares one bucket with all other garbage', (address) =>
    expect(clientPrefix(address)).toBe('unknown'),
  );

  /** Reads the eight groups with nothing in common with the code under test: by BigInt over the full form. */
  const expectedPrefix = (groups: readonly number[], bits: number): string => {
    const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
    if (value >> 32n === 0xffffn) {
      return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
    }
    const kept = (value >> BigInt(128 - bits)) << BigInt(128 - bits);
    const hex = kept.toString(16).padStart(32, '0').match(/.{4}/g) ?? [];
    return `${hex.map((h) => Number.parseInt(h, 16).toString(16)).join(':')}/${bits}`;
  };

  /** One address in one of its many spellings. */
  const spell = (groups: readonly number[], style: number, pad: boolean, upper: boolean): string => {
    const text = groups.map((g) => g.toString(16).padStart(pad ? 4 : 1, '0'));
    const [a = 0, b = 0] = groups.slice(6);
    const head = style === 1 ? [...text.slice(0, 6), `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`] : text;
    const firstZero = groups.slice(0, 6).indexOf(0);
    const lastZero = firstZero < 0 ? -1 : firstZero + groups.slice(firstZero, 6).findIndex((g) => g !== 0);
    const end = lastZero < firstZero ? 6 : lastZero;
    const compressed =
      style === 2 && firstZero >= 0
        ? `${head.slice(0, firstZero).join(':')}::${head.slice(end).join(':')}`
        : head.join(':');
    return upper ? compressed.toUpperCase() : compressed;
  };

  test(
    'every spelling of every IPv6 address counts by the same bits, as computed another way',
    { timeout: fullRunsTimeoutMs },
    () => {
      const group = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.nat(0xffff));
      fc.assert(
        fc.property(
          fc.array(group, { minLength: 8, maxLength: 8 }),
          fc.integer({ min: 32, max: 64 }),
          fc.nat(2),
          fc.boolean(),
          fc.boolean(),
          (groups, bits, style, pad, upper) => {
            expect(clientPrefix(spell(groups, style, pad, upper), bits)).toBe(expectedPrefix(groups, bits));
          },
        ),
        { numRuns: fullRuns(100_000) },
      );
    },
  );

  test(
    'a bucket is its own bucket, and an IPv4 address is its mapped spelling’s',
    { timeout: fullRunsTimeoutMs },
    () => {
      fc.assert(
        fc.property(fc.ipV4(), fc.ipV6(), fc.integer({ min: 32, max: 64 }), (four, six, bits) => {
          expect([clientPrefix(four, bits), clientPrefix(`::ffff:${four}`, bits)]).toEqual([four, four]);
          const prefix = clientPrefix(six, bits);
          expect(clientPrefix(prefix.split('/')[0] ?? '', bits)).toBe(prefix);
        }),
        { numRuns: fullRuns(100_000) },
      );
    },
  );

  test('any text gives a bucket and never an exception', () => {
    fc.assert(
      fc.property(anyText(20), (text) => {
        expect(clientPrefix(text)).toBeTypeOf('string');
      }),
    );
  });
});

describe('ranges of trusted proxies', () => {
  test.each(['10.0.0.0/8', '192.0.2.7', '::1', '::1/128', '2001:db8::/32', '0.0.0.0/0'])(
    '%s is a range',
    (text) => expect(isAddressRange(text)).toBe(true),
  );

  test.each([
    '1',
    'true',
    'loopback',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/8.5',
    '',
  ])('%j is not', (text) => expect(isAddressRange(text)).toBe(false));

  test('an address is inside its ranges only, IPv4 also in its mapped form', () => {
    const isTrusted = addressRanges(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7']);
    const inside = ['10.255.255.255', '::ffff:10.1.2.3', '2001:db8:ffff::1', '192.0.2.7'];
    const outside = ['11.0.0.0', '2001:db9::1', '192.0.2.8', 'garbage', '', '10.0.0.1, 10.0.0.2'];
    expect(inside.map(isTrusted)).toEqual(inside.map(() => true));
    expect(outside.map(isTrusted)).toEqual(outside.map(() => false));
  });

  test('without ranges nobody is trusted', () => expect(addressRanges([])('127.0.0.1')).toBe(false));
});
