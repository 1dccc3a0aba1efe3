import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayName } from '../src/display-name.ts';

describe('a person keeps their name', () => {
  test.each([
    ['Ana', 'Ana'],
    ['  Ana   María\tPérez ', 'Ana María Pérez'],
    ["Conan O'Brien-Smith", "Conan O'Brien-Smith"],
    ['J. R. R. Tolkien', 'J. R. R. Tolkien'],
    ['J.R. Smith', 'J. R. Smith'],
    ['李小龙', '李小龙'],
    ['أحمد', 'أحمد'],
    ['Müller, Jürgen', 'Müller Jürgen'],
    ['Zoe 2', 'Zoe 2'],
  ])('%s', (raw, name) => expect(displayName(raw)).toBe(name));
});

describe('a text that wants to be a link is no name', () => {
  test.each([
    'Click http://evil.example/win',
    'https://evil.example',
    'evil.com',
    'visit evil.com now',
    'www.evil',
    'w\u200bww.evil.com',
    'evil．com',
    'evil。com',
    'evil\u200b.com',
    'ｈｔｔｐ：／／evil',
    'пример.рф',
    'mallory@evil.example',
    'mallory＠evil',
    'mailto:x',
    't.me/abc',
    '//evil',
    '',
    '   ',
    '12345',
    '<>{}',
  ])('%s', (raw) => expect(displayName(raw)).toBeUndefined());

  test('nothing stays nothing', () => expect(displayName(undefined)).toBeUndefined());
});

test('a telephone number is taken out', () => {
  expect(displayName('Call +1 (900) 555-0199 today')).toBe('Call - today');
});

test('control, bidi and markup characters are taken out', () => {
  expect(displayName('An\u202ea\r\nBcc\u0000 <b>')).toBe('Ana Bcc b');
});

test('a name has at most 40 characters', () => {
  expect(displayName('ab '.repeat(100))?.length).toBeLessThanOrEqual(40);
});

test('no text comes out with a character that links or markup need', () => {
  const hostile = fc.string({
    unit: fc.constantFrom(
      'a',
      'Z',
      '.',
      '/',
      ':',
      '@',
      ' ',
      '\n',
      '。',
      '．',
      '\u200b',
      '<',
      '&',
      '1',
      '{',
      'w',
      'é',
    ),
  });
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (raw) => {
      const name = displayName(raw);
      if (name === undefined) return;
      expect(name).not.toMatch(/[/:@<>&"{}%\\\p{Cc}\p{Cf}]/u);
      expect(name).not.toMatch(/\.\S/u);
      expect(Array.from(name).length).toBeLessThanOrEqual(40);
    }),
    { numRuns: 2000 },
  );
});
