import { expect, test } from 'vitest';
import { isolatedName } from '../src/isolated-name.ts';

test.each([
  ['Acme', false, 'Acme'],
  ['Acme', true, '\u2068Acme\u2069'],
  ['أحمد', false, '\u2068أحمد\u2069'],
  ['נועה', true, '\u2068נועה\u2069'],
  ['山田', false, '山田'],
  ['', true, ''],
])('%j in a sentence from right to left (%s)', (name, rightToLeft, expected) => {
  expect(isolatedName(name, rightToLeft)).toBe(expected);
});
