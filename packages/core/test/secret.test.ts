import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../src/secret.ts';

const value = 'correct horse battery staple';
const secret = new Secret(value);

test('only reveal gives the value back', () => expect(secret.reveal()).toBe(value));

test.each([
  ['a template string', () => `${secret}`],
  ['concatenation', () => 'x' + String(secret)],
  ['JSON', () => JSON.stringify({ secret, list: [secret] })],
  ['the console, at any depth', () => inspect({ a: { b: [secret] } }, { depth: 9, showHidden: true })],
  ['an error', () => inspect(new Error('failed', { cause: { secret } }), { showHidden: true })],
  ['its own fields', () => JSON.stringify([Object.entries(secret), Object.getOwnPropertyNames(secret)])],
  ['a copy', () => inspect({ ...secret })],
  ['a clone', () => inspect(structuredClone({ secret }))],
])('%s does not show it', (_name, print) => {
  expect(print()).not.toContain('horse');
});

test('what is shown instead says that something is hidden', () => {
  expect([`${secret}`, JSON.stringify(secret), inspect(secret)]).toEqual([
    '[secret]',
    '"[secret]"',
    '[secret]',
  ]);
});
