import { expect, test } from 'vitest';
import { maskedAddress } from '../src/masked-address.ts';

test.each([
  ['ana@example.com', 'a•••@e•••.com'],
  ['ana@mail.example.co.uk', 'a•••@m•••.uk'],
  ['a@b', 'a•••@b•••'],
  ['😀ana@example.com', '😀•••@e•••.com'],
  ['nobody', '•••'],
  ['@example.com', '•••'],
  ['', '•••'],
])('of %j its owner sees %s', (address, masked) => expect(maskedAddress(address)).toBe(masked));
