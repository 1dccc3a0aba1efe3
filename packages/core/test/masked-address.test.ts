import { expect, test } from 'vitest';
import { isMaskedAddress, maskedAddress } from '../src/masked-address.ts';

test.each([
  ['ana@example.com', 'a•••@e•••.com'],
  ['ana@mail.example.co.uk', 'a•••@m•••.uk'],
  ['a@b', 'a•••@b•••'],
  ['😀ana@example.com', '😀•••@e•••.com'],
  ['nobody', '•••'],
  ['@example.com', '•••'],
  ['', '•••'],
])('of %j its owner sees %s', (address, masked) => {
  expect(maskedAddress(address)).toBe(masked);
  expect(isMaskedAddress(masked)).toBe(true);
});

test.each([
  'ana@example.com',
  'a•••',
  'ana•••@e•••.com',
  'a•••@example.com',
  'a•••@e•••.com now',
  '',
  'a•••@e•••.x y',
])('%j is not masked', (text) => expect(isMaskedAddress(text)).toBe(false));
