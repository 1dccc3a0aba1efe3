import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseSessionKeys, type SessionKeyRing } from '../src/session-keys.ts';

const base64Of = (key: KeyObject): string => key.export({ format: 'der', type: 'pkcs8' }).toString('base64');
const ed25519 = (): string => base64Of(generateKeyPairSync('ed25519').privateKey);
const ec = (namedCurve: string): string => base64Of(generateKeyPairSync('ec', { namedCurve }).privateKey);

const ringOf = (text: string): SessionKeyRing => {
  const ring = parseSessionKeys(text);
  if ('problem' in ring) throw new Error(ring.problem);
  return ring;
};
const problemOf = (text: string): string => {
  const read = parseSessionKeys(text);
  return 'problem' in read ? read.problem : '';
};

test('the last key signs, whatever the names are, and all are kept in their order', () => {
  const ring = ringOf(`2027:${ed25519()}, 2026:${ec('P-256')}`);
  expect(ring.newest.kid).toBe('2026');
  expect(ring.keys.map(({ kid }) => kid)).toEqual(['2027', '2026']);
});

test('the algorithm follows from the kind of key', () => {
  const ring = ringOf(`a:${ed25519()},b:${ec('P-256')}`);
  expect(ring.keys.map(({ algorithm }) => algorithm)).toEqual(['EdDSA', 'ES256']);
});

test('the public key belongs to the private one and has no private part', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const key = ringOf(`a:${base64Of(privateKey)}`).newest;
  expect(key.publicKey.equals(publicKey)).toBe(true);
  expect(Object.keys(key.publicKey.export({ format: 'jwk' }))).not.toContain('d');
});

test.each([
  ['', /must be a list/],
  ['a', /must be a list/],
  ['a:', /must be a list/],
  [`a b:${ed25519()}`, /must be a list/],
  [`${'a'.repeat(65)}:${ed25519()}`, /must be a list/],
  [`a:${ed25519()},`, /must be a list/],
  ['a:AAAA', /^key a must be the base64 of a private key in PKCS 8/],
  [`a:${ec('P-384')}`, /^key a must be of the kind/],
  [
    `a:${base64Of(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)}`,
    /^key a must be of the kind/,
  ],
  [`a:${base64Of(generateKeyPairSync('x25519').privateKey)}`, /^key a must be of the kind/],
  [
    `a:${generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).toString('base64')}`,
    /^key a must be the base64 of a private key/,
  ],
])('%j is refused in one sentence', (text, sentence) => {
  expect(problemOf(text)).toMatch(sentence);
});

test('two keys of one name are refused', () => {
  expect(problemOf(`a:${ed25519()},a:${ed25519()}`)).toBe('key a is given twice');
});

test('a ring that is printed, logged or refused tells nothing of its keys', () => {
  const text = ed25519();
  const ring = ringOf(`a:${text}`);
  const told = [
    inspect(ring, { depth: 9, showHidden: true }),
    JSON.stringify(ring),
    problemOf(`a:${text},b:AAAA`),
  ].join();
  const bits = Buffer.from(text, 'base64').subarray(-32);
  for (const form of ['base64', 'base64url', 'hex'] as const)
    expect(told).not.toContain(bits.toString(form).slice(0, 20));
});
