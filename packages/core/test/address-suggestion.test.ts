import { describe, expect, test } from 'vitest';
import { suggestAddress } from '../src/address-suggestion.ts';

describe('a slip of the keys in a well-known domain', () => {
  test.each([
    ['a letter left out', 'ana@gmil.com', 'ana@gmail.com'],
    ['a letter too many', 'ana@gmaill.com', 'ana@gmail.com'],
    ['another letter', 'ana@gmsil.com', 'ana@gmail.com'],
    ['two letters in the wrong order', 'ana@gmial.com', 'ana@gmail.com'],
    ['at the end', 'ana@gmail.con', 'ana@gmail.com'],
    ['at the very end, left out', 'ana@outlook.co', 'ana@outlook.com'],
    ['in capitals', 'Ana.B+x@GMIAL.COM', 'Ana.B+x@gmail.com'],
    ['in a domain of three labels', 'ana@yaho.co.uk', 'ana@yahoo.co.uk'],
  ])('%s: %s', (_, typed, meant) => expect(suggestAddress(typed)).toBe(meant));

  test.each([
    'ana@gmail.com',
    'ana@GMAIL.com',
    'ana@mail.com',
    'ana@ymail.com',
    'ana@yahoo.ca',
    'ana@hotmail.de',
    'ana@gnaik.com',
    'ana@example.com',
    'ana@gm.com',
    'ana@gmail.com.evil.example',
    'ana',
    '',
  ])('is not seen in %j', (typed) => expect(suggestAddress(typed)).toBeNull());
});
