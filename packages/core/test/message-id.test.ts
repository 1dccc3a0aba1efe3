import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUuid, messageIdHeader, messageIdOfHeader, uuidV7, uuidV8 } from '../src/message-id.ts';

const bytes = fc.uint8Array({ minLength: 16, maxLength: 32 });
const instantsMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const hexOf = (uuid: string): string => uuid.replaceAll('-', '');

describe('an id that is drawn', () => {
  test('is a UUID of version 7 whose first 48 bits are the time', () => {
    fc.assert(
      fc.property(instantsMs, bytes, (atMs, random) => {
        const id = uuidV7(atMs, random);
        expect(isUuid(id)).toBe(true);
        expect(Number.parseInt(hexOf(id).slice(0, 12), 16)).toBe(atMs);
        expect(hexOf(id)[12]).toBe('7');
        expect('89ab').toContain(hexOf(id)[16]);
      }),
    );
  });

  test('sorts by time as text, as the database sorts it', () => {
    fc.assert(
      fc.property(instantsMs, instantsMs, bytes, bytes, (a, b, left, right) => {
        fc.pre(a !== b);
        expect(uuidV7(a, left) < uuidV7(b, right)).toBe(a < b);
      }),
    );
  });

  test('takes 74 bits of the random ones: each bit of them but six changes it', () => {
    const zero = new Uint8Array(10);
    const changing = Array.from({ length: 80 }, (_, bit) => {
      const one = new Uint8Array(10);
      one[bit >> 3] = 1 << (bit & 7);
      return uuidV7(0, one) !== uuidV7(0, zero);
    });
    expect(changing.filter(Boolean)).toHaveLength(74);
  });

  test('the example of RFC 9562, A.6', () => {
    const random = Buffer.from('0cc318c4dc0c0c07398f', 'hex');
    expect(uuidV7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });
});

describe('an id that is derived', () => {
  /** The arithmetic of the SQL function charge_id, over hex digits instead of bytes. */
  const asInSql = (digest: Uint8Array): string => {
    const pairs = Array.from(digest.subarray(0, 16), (b) => b);
    const masked = pairs.map((b, i) => (i === 6 ? (b & 15) | 128 : i === 8 ? (b & 63) | 128 : b));
    return masked
      .map((b, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + b.toString(16).padStart(2, '0'))
      .join('');
  };

  test('is what the database computes from the same bytes', () => {
    fc.assert(
      fc.property(bytes, (digest) => {
        expect(uuidV8(digest)).toBe(asInSql(digest));
      }),
      { numRuns: 1000 },
    );
    expect(uuidV8(Buffer.alloc(32, 0xff))).toBe('ffffffff-ffff-8fff-bfff-ffffffffffff');
    expect(uuidV8(Buffer.alloc(32))).toBe('00000000-0000-8000-8000-000000000000');
  });

  test('leaves the digest as it was', () => {
    const digest = Buffer.alloc(32, 0xff);
    uuidV8(digest);
    expect(digest.equals(Buffer.alloc(32, 0xff))).toBe(true);
  });
});

describe('the Message-ID', () => {
  test('gives our id back, in every form in which providers report it', () => {
    fc.assert(
      fc.property(instantsMs, bytes, fc.domain(), (atMs, random, domain) => {
        const id = uuidV7(atMs, random);
        const header = messageIdHeader(id, domain);
        expect(header).toBe(`<${id}@${domain}>`);
        for (const form of [header, header.slice(1, -1), ` ${header} `, header.slice(1)])
          expect(messageIdOfHeader(form)).toBe(id);
      }),
    );
  });

  test.each([
    '',
    '<>',
    '@',
    '<a@b>',
    '20260203192638.000be97f99f8cea1@sample.example',
    '<0199c2f4-8a51-7c3e-9d20@x>',
    '<<0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01@x>',
    'x0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01@x',
    '<0199C2F4-8A51-7C3E-9D20-5B6F7A8C9D01@x>',
  ])('%j is not one of ours', (header) => expect(messageIdOfHeader(header)).toBeUndefined());

  test.each([
    '',
    '0199c2f48a517c3e9d205b6f7a8c9d01',
    '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01\n',
    '{0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01}',
    '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d0g',
  ])('%j is no id', (text) => expect(isUuid(text)).toBe(false));
});
