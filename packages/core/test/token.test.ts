import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uuidV7 } from '../src/message-id.ts';
import {
  deriveToken,
  hashToken,
  type KeyRing,
  nonceSizeBytes,
  parseKeyRing,
  tokenPattern,
  UnknownKeyVersion,
} from '../src/token.ts';
import { fullRuns, fullRunsTimeoutMs } from './full-runs.ts';

const base64 = (fill: number, sizeBytes = 32): string => Buffer.alloc(sizeBytes, fill).toString('base64');

const ringOf = (text: string): KeyRing => {
  const ring = parseKeyRing(text);
  if ('problem' in ring) throw new Error(ring.problem);
  return ring;
};

const origin = {
  keyVersion: 1,
  messageId: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01',
  purpose: 'signup',
  nonce: Buffer.alloc(nonceSizeBytes, 9),
};
const ring = ringOf(`1:${base64(1)}`);

describe('a key ring', () => {
  test('the highest version signs, in whatever order the keys are given', () => {
    expect(ringOf(`1:${base64(1)},2:${base64(2)}`).newestVersion).toBe(2);
    expect(ringOf(` 10:${base64(1)} , 9:${base64(2)} `).newestVersion).toBe(10);
  });

  test('base64 with the letters of URLs is read too', () => {
    const key = Buffer.alloc(32, 0xfb);
    const plain = deriveToken(ringOf(`1:${key.toString('base64')}`), origin).reveal();
    expect(deriveToken(ringOf(`1:${key.toString('base64url')}`), origin).reveal()).toBe(plain);
  });

  test.each([
    ['', /must be a list/],
    [base64(1), /must be a list/],
    [`0:${base64(1)}`, /must be a list/],
    [`-1:${base64(1)}`, /must be a list/],
    [`1.5:${base64(1)}`, /must be a list/],
    [`01:${base64(1)}`, /must be a list/],
    [`1:${base64(1)},`, /must be a list/],
    [`1:${base64(1)} 2:${base64(2)}`, /must be a list/],
    ['1:not*base64', /must be a list/],
    [`1:${base64(1, 31)}`, /31 bytes; at least 32/],
    ['1:change-me', /at least 32/],
    [`1:${base64(1)},1:${base64(2)}`, /given twice/],
  ])('%s is refused with a sentence that does not repeat a key', (text, problem) => {
    const read = parseKeyRing(text);
    if (!('problem' in read)) throw new Error('was accepted');
    expect(read.problem).toMatch(problem);
    expect(read.problem).not.toContain(base64(1).slice(0, 12));
  });

  test('a ring prints no key', () => {
    expect(JSON.stringify([...ring.keys])).toBe('[[1,"[secret]"]]');
  });
});

describe('a token', () => {
  test('has the documented shape and 256 bits', () =>
    expect(deriveToken(ring, origin).reveal()).toMatch(new RegExp(tokenPattern)));

  test('is the HMAC that the design names, computed another way', () => {
    const parts = Buffer.concat([
      Buffer.from(`reconfirm-token-1\0signup\0${origin.messageId}\0`),
      origin.nonce,
    ]);
    const expected = createHmac('sha256', Buffer.alloc(32, 1)).update(parts).digest('hex');
    expect(deriveToken(ring, origin).reveal()).toBe(expected);
  });

  test('is the same for every retry, in another process with the same key, and after a rotation', () => {
    const rotated = ringOf(`2:${base64(2)},1:${base64(1)}`);
    const tokens = Array.from({ length: 50 }, (_, i) =>
      deriveToken(i % 2 ? rotated : ringOf(`1:${base64(1)}`), { ...origin }).reveal(),
    );
    expect(new Set(tokens).size).toBe(1);
  });

  test.each([
    ['key version', { keyVersion: 2 }],
    ['message', { messageId: '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d02' }],
    ['purpose', { purpose: 'recovery' }],
    ['nonce', { nonce: Buffer.alloc(nonceSizeBytes, 8) }],
  ])('differs with the %s', (_name, change) => {
    const both = ringOf(`1:${base64(1)},2:${base64(2)}`);
    expect(deriveToken(both, { ...origin, ...change }).reveal()).not.toBe(deriveToken(both, origin).reveal());
  });

  test('never collides over 10,000 messages, and no two share 40 bits at the start', () => {
    const tokens = Array.from({ length: 10_000 }, (_, i) => {
      const random = createHash('sha256').update(`r${i}`).digest();
      return deriveToken(ring, {
        ...origin,
        messageId: uuidV7(1_794_960_000_000 + i, random),
        nonce: random.subarray(0, 16),
      }).reveal();
    });
    expect(new Set(tokens).size).toBe(10_000);
    // By the birthday bound the chance that two of 10,000 share 40 bits is 5 in 100,000; these are fixed inputs.
    expect(new Set(tokens.map((t) => t.slice(0, 10))).size).toBe(10_000);
  });

  const bytes = (sizeBytes: number) => fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes });
  const origins = fc.record({
    keyVersion: fc.integer({ min: 1, max: 3 }),
    messageId: fc.uuid(),
    purpose: fc.constantFrom('signup', 'recovery', 'magiclink', 'sms', 'email_change'),
    nonce: bytes(nonceSizeBytes).map((nonce) => Buffer.from(nonce)),
  });

  test(
    'of whatever message: every key added later leaves it as it is, any change of its origin makes another, and its hash finds it',
    { timeout: fullRunsTimeoutMs },
    () => {
      const made = new Set<string>();
      const keys = fc.array(bytes(32), { minLength: 3, maxLength: 3 });
      fc.assert(
        fc.property(keys, origins, origins, fc.nat(63), (secrets, one, other, place) => {
          const entries = secrets.map((key, i) => `${i + 1}:${Buffer.from(key).toString('base64')}`);
          const ringThen = ringOf(entries.slice(0, one.keyVersion).join(','));
          const token = deriveToken(ringThen, one).reveal();
          const later = ringOf(`${entries.toReversed().join(',')},4:${base64(4)}`);
          expect(deriveToken(later, one).reveal()).toBe(token);
          const isSame = JSON.stringify(one) === JSON.stringify(other);
          expect(deriveToken(later, other).reveal() === token).toBe(isSame);
          made.add(token);
          const digit = token[place] === '0' ? '1' : '0';
          const wrong = token.slice(0, place) + digit + token.slice(place + 1);
          expect(hashToken(token).equals(hashToken(wrong))).toBe(false);
          expect(hashToken(token)).toEqual(createHash('sha256').update(token).digest());
        }),
        { numRuns: fullRuns(10_000) },
      );
      expect(made.size).toBe(fullRuns(10_000));
    },
  );

  test('a key that the ring lacks stops the send instead of mailing a dead link', () => {
    expect(() => deriveToken(ring, { ...origin, keyVersion: 3 })).toThrow(UnknownKeyVersion);
    expect(() => deriveToken(ring, { ...origin, keyVersion: 3 })).toThrow(/version 3/);
  });

  test('prints as a secret', () => expect(`${deriveToken(ring, origin)}`).toBe('[secret]'));
});

describe('what is stored of a token', () => {
  test('is its SHA-256 and needs no key', () => {
    // printf %s abc | sha256sum
    expect(hashToken('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  test('differs for every text that is not the token itself', () => {
    const token = deriveToken(ring, origin).reveal();
    for (const other of [token.toUpperCase(), `${token} `, token.slice(0, 63), `${token}0`])
      expect(hashToken(other).equals(hashToken(token))).toBe(false);
  });
});
