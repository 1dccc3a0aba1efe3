import { describe, expect, test } from 'vitest';
import { seal, sealedUnder, unseal } from '../src/sealed.ts';
import { Secret } from '../src/secret.ts';
import { parseKeyRing, UnknownKeyVersion, type KeyRing } from '../src/token.ts';

const ringOf = (text: string): KeyRing => {
  const ring = parseKeyRing(text);
  if ('problem' in ring) throw new Error(ring.problem);
  return ring;
};
const key = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const [first, both, second] = [`1:${key(1)}`, `1:${key(1)},2:${key(2)}`, `2:${key(2)}`].map(ringOf) as [
  KeyRing,
  KeyRing,
  KeyRing,
];
const secret = new Secret('whsec_canary');
const nonce = (byte: number): Buffer => Buffer.alloc(12, byte);

describe('a sealed secret', () => {
  const sealed = seal(first, secret, 'endpoint-1', nonce(1));

  test('opens with its key and its context, and shows nothing of itself', () => {
    expect(unseal(first, sealed, 'endpoint-1').reveal()).toBe('whsec_canary');
    expect(sealed.toString('latin1')).not.toContain('canary');
    expect(seal(first, secret, 'endpoint-1', nonce(2)).equals(sealed)).toBe(false);
  });

  test('opens while its key is in the ring, and names the key that is missing after that', () => {
    expect(unseal(both, sealed, 'endpoint-1').reveal()).toBe('whsec_canary');
    expect(() => unseal(second, sealed, 'endpoint-1')).toThrow(UnknownKeyVersion);
    const again = seal(both, secret, 'endpoint-1', nonce(3));
    expect([sealedUnder(sealed), sealedUnder(again)]).toEqual([1, 2]);
    expect(unseal(second, again, 'endpoint-1').reveal()).toBe('whsec_canary');
  });

  test('does not open in another row, nor changed in any byte, nor cut', () => {
    expect(() => unseal(first, sealed, 'endpoint-2')).toThrow();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8((changed.readUInt8(at) + 1) % 256, at);
      expect(() => unseal(first, changed, 'endpoint-1'), `byte ${at}`).toThrow();
    }
    for (const size of [0, 3, 16, 31])
      expect(() => unseal(first, sealed.subarray(0, size), 'endpoint-1')).toThrow();
  });
});
