import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uuidV7 } from '../src/message-id.ts';
import {
  bounceAddress,
  bounceAddressesIn,
  bounceTag,
  readBounceAddress,
  readBounceTag,
} from '../src/reports/bounce-address.ts';
import { type KeyRing, parseKeyRing } from '../src/token.ts';
import { anyText } from './any-text.ts';
import { addressOf, domain, ours, ring } from './report-mails.ts';

const anyId = fc
  .tuple(fc.nat(2 ** 47), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([ms, random]) => uuidV7(ms, random));

describe('the address that bounces come back to', () => {
  test('is read back as the message it was made for, however a server folds its case', () => {
    fc.assert(
      fc.property(anyId, fc.infiniteStream(fc.boolean()), (messageId, upper) => {
        const folded = Array.from(addressOf(messageId), (c) => (upper.next().value ? c.toUpperCase() : c));
        expect(readBounceAddress(ring, domain, folded.join(''))).toBe(messageId);
      }),
    );
  });

  test('fits into 64 octets of local part and 254 of path, with the longest key version and domain', () => {
    const old = parseKeyRing(`999999999:${Buffer.alloc(32, 3).toString('base64')}`) as KeyRing;
    const address = bounceAddress(
      bounceTag(old, ours),
      `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(58)}`,
    );
    expect(address.split('@')[0]?.length).toBe(61);
    expect(address.length).toBeLessThanOrEqual(254);
  });

  test('stays the same over attempts and versions of the service', () => {
    // The first 10 bytes, in base32, of HMAC-SHA-256 by OpenSSL over `18:reconfirm-bounce-136:<message id>`.
    expect(addressOf(ours)).toBe('b+0199a1b2000070008000000000000001.2.n3a5huungiaw6fvf@bounces.example.com');
  });

  test('is proved by every key of the ring and by no other', () => {
    const oldOnly = parseKeyRing(`1:${Buffer.alloc(32, 1).toString('base64')}`) as KeyRing;
    const another = parseKeyRing(`2:${Buffer.alloc(32, 9).toString('base64')}`) as KeyRing;
    expect(readBounceTag(ring, bounceTag(oldOnly, ours))).toBe(ours);
    expect(readBounceTag(oldOnly, bounceTag(ring, ours)), 'its key is gone').toBeUndefined();
    expect(readBounceTag(another, bounceTag(ring, ours)), 'the same version of another key').toBeUndefined();
  });

  test('with any character changed proves nothing', () => {
    const tag = bounceTag(ring, ours);
    const changed = Array.from(tag, (_character, at) =>
      Array.from('0a2z.', (other) => tag.slice(0, at) + other + tag.slice(at + 1)),
    ).flat();
    const proving = changed.filter((text) => text !== tag && readBounceTag(ring, text) !== undefined);
    expect(proving).toEqual([]);
  });

  test('of one message with the proof of another proves neither', () => {
    const other = '0199a1b2-0000-7000-8000-000000000002';
    const [, version, mac] = bounceTag(ring, ours).split('.');
    expect(readBounceTag(ring, `${other.replaceAll('-', '')}.${version}.${mac}`)).toBeUndefined();
    expect(readBounceTag(ring, `${ours.replaceAll('-', '')}.1.${mac}`), 'of another version').toBeUndefined();
  });

  test.each([
    ['at another domain', addressOf(ours).replace('bounces.', 'bounces2.')],
    ['below the domain', addressOf(ours).replace('@', '@sub.')],
    ['without its prefix', addressOf(ours).replace('b+', '')],
    ['with another prefix', addressOf(ours).replace('b+', 'c+')],
    ['in brackets', `<${addressOf(ours)}>`],
    ['empty', ''],
    ['an @ alone', '@'],
  ])('%s proves nothing', (_what, address) =>
    expect(readBounceAddress(ring, domain, address)).toBeUndefined(),
  );

  test('garbage proves nothing and is no exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText(80),
          anyText(40).map((text) => `${text}@${domain}`),
        ),
        (text) => {
          expect(readBounceAddress(ring, domain, text)).toBeUndefined();
          expect(readBounceTag(ring, text)).toBeUndefined();
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('is found among the words that servers write around it', () => {
    const found = bounceAddressesIn(
      `<${addressOf(ours)}>, "x" <other@example.org>\n${addressOf(ours).toUpperCase()};`,
    );
    expect(found.map((address) => readBounceAddress(ring, domain, address))).toEqual([ours, ours]);
  });
});
