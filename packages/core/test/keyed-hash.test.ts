import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyedHash, logLabel } from '../src/keyed-hash.ts';
import { Secret } from '../src/secret.ts';

const key = new Secret(Buffer.alloc(32, 1).toString('base64'));
const hex = (...parts: string[]): string => keyedHash(key, ...parts).toString('hex');

test('the same parts give the same 32 bytes', () => {
  expect(keyedHash(key, 'address', 'ada@example.com')).toHaveLength(32);
  expect(hex('address', 'ada@example.com')).toBe(hex('address', 'ada@example.com'));
});

test('it is HMAC-SHA256, whatever the length of the key', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.string({ unit: 'grapheme' }),
      (bytes, part) => {
        const secret = new Secret(Buffer.from(bytes).toString('base64'));
        const expected = createHmac('sha256', bytes)
          .update(`${Buffer.byteLength(part)}:${part}`)
          .digest('hex');
        expect(keyedHash(secret, part).toString('hex')).toBe(expected);
      },
    ),
  );
});

test('another key gives another hash', () => {
  const other = new Secret(Buffer.alloc(32, 2).toString('base64'));
  expect(keyedHash(other, 'a').equals(keyedHash(key, 'a'))).toBe(false);
});

test.each([
  [
    ['ab', 'c'],
    ['a', 'bc'],
  ],
  [['abc'], ['ab', 'c']],
  [['a', ''], ['a']],
  [
    ['', 'a'],
    ['a', ''],
  ],
  [[], ['']],
  [['a1:b'], ['a', 'b']],
  [['1:a'], ['a']],
  [['é'], ['e\u0301']],
])('%j and %j do not run into each other', (left, right) => expect(hex(...left)).not.toBe(hex(...right)));

test('different lists of parts have different hashes', () => {
  const parts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '1', '2', ':', 'é'), maxLength: 4 }), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(parts, parts, (left, right) => {
      expect(hex(...left) === hex(...right)).toBe(JSON.stringify(left) === JSON.stringify(right));
    }),
    { numRuns: 5000 },
  );
});

test('the label in the log is eight digits that follow the hash', () => {
  expect(logLabel(Buffer.from('deadbeefcafe', 'hex'))).toBe('h:deadbeef');
  expect(logLabel(new Uint8Array(Buffer.from('00112233ff', 'hex')))).toBe('h:00112233');
});
