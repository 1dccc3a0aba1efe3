import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveCode, hashCode, readCode } from '../src/code.ts';
import { Secret } from '../src/secret.ts';
import { deriveToken, type KeyRing, UnknownKeyVersion } from '../src/token.ts';
import { fullRuns, fullRunsTimeoutMs } from './full-runs.ts';

const keyOf = (byte: number): Secret => new Secret(Buffer.alloc(32, byte).toString('base64'));
const ring: KeyRing = { newestVersion: 1, keys: new Map([[1, keyOf(1)]]) };
const origin = {
  keyVersion: 1,
  messageId: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
  purpose: 'signup',
  nonce: Buffer.alloc(16, 7),
};

describe('the code of a message', () => {
  test('is the same six digits on every attempt', () => {
    const code = deriveCode(ring, origin).reveal();
    expect(code).toMatch(/^\d{6}$/);
    for (let i = 0; i < 10; i += 1) expect(deriveCode(ring, origin).reveal()).toBe(code);
  });

  test('differs between messages, purposes, nonces and keys, and says nothing of the token', () => {
    const other: KeyRing = { newestVersion: 1, keys: new Map([[1, keyOf(2)]]) };
    const variants = [
      deriveCode(ring, origin),
      deriveCode(ring, { ...origin, purpose: 'recovery' }),
      deriveCode(ring, { ...origin, nonce: Buffer.alloc(16, 8) }),
      deriveCode(ring, { ...origin, messageId: origin.messageId.replace('01', '02') }),
      deriveCode(other, origin),
    ].map((code) => code.reveal());
    expect(new Set(variants).size).toBe(variants.length);
    const token = BigInt(`0x${deriveToken(ring, origin).reveal()}`);
    expect((token % 1_000_000n).toString().padStart(6, '0')).not.toBe(variants[0]);
  });

  test(
    'is spread evenly, of a million: over its first three digits and over its last three',
    { timeout: fullRunsTimeoutMs },
    () => {
      const runs = fullRuns(1_000_000);
      const first = new Uint32Array(1000);
      const last = new Uint32Array(1000);
      const nonce = Buffer.alloc(16);
      for (let i = 0; i < runs; i += 1) {
        nonce.writeUInt32BE(i);
        const code = deriveCode(ring, { ...origin, nonce }).reveal();
        for (const [buckets, digits] of [
          [first, code.slice(0, 3)],
          [last, code.slice(3)],
        ] as const)
          buckets[Number(digits)] = (buckets[Number(digits)] ?? 0) + 1;
      }
      const expected = runs / 1000;
      const chiSquared = (buckets: Uint32Array): number =>
        buckets.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // 999 degrees of freedom: 1143 is p = 0.001. The key and the nonces are fixed, so this either holds or does not.
      expect(chiSquared(first)).toBeLessThan(1143);
      expect(chiSquared(last)).toBeLessThan(1143);
      // Spread too evenly is no chance either: below 868 with p = 0.001.
      expect(chiSquared(first)).toBeGreaterThan(868);
      expect(chiSquared(last)).toBeGreaterThan(868);
    },
  );

  test('needs its key', () =>
    expect(() => deriveCode(ring, { ...origin, keyVersion: 2 })).toThrow(UnknownKeyVersion));

  test('is stored bound to its message and to a key that is not beside it', () => {
    const stored = hashCode(keyOf(3), origin.messageId, '123456');
    expect(stored).toHaveLength(32);
    expect(hashCode(keyOf(3), origin.messageId, '123456')).toEqual(stored);
    expect(hashCode(keyOf(4), origin.messageId, '123456')).not.toEqual(stored);
    expect(hashCode(keyOf(3), origin.messageId.replace('01', '02'), '123456')).not.toEqual(stored);
  });
});

describe('a typed code', () => {
  test.each([
    '123456',
    ' 123456\n',
    '123 456',
    '123-456',
    '1 2 3 4 5 6',
    '١٢٣٤٥٦',
    '۱۲۳۴۵۶',
    '१२३४५६',
    '１２３４５６',
    '\u200e123456\u200f',
    '\u2067123456\u2069',
    '123\u2013456',
    '123.456',
  ])('%j is read as 123456', (typed) => expect(readCode(typed)).toBe('123456'));

  test.each(['', '12345', '1234567', 'a123456', 'G-123456', '12345x', '१२३', '0x1e240', '1'.repeat(100)])(
    '%j is no code',
    (typed) => expect(readCode(typed)).toBeUndefined(),
  );

  test('keeps its leading zeros', () => expect(readCode('000 012')).toBe('000012'));

  test('whatever is read is six ASCII digits', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (typed) => {
        const read = readCode(typed);
        expect(read === undefined || /^[0-9]{6}$/.test(read)).toBe(true);
      }),
      { numRuns: 20_000 },
    ));
});
