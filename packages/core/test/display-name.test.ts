import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayName, organizationDisplayName } from '../src/display-name.ts';

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
    '1www.',
    '1www。 evil',
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

describe('an organization keeps its name', () => {
  test.each([
    ['Acme, Inc.', 'Acme, Inc.'],
    ['3M', '3M'],
    ['1&1', undefined],
    ['B&B Italia', 'B&B Italia'],
    ['Grupo Año (España)', 'Grupo Año (España)'],
    ['S.A. de C.V.', 'S. A. de C. V.'],
    ['Studio 54', 'Studio 54'],
    ['株式会社リコー', '株式会社リコー'],
  ])('%s', (raw, name) => expect(organizationDisplayName(raw)).toBe(name));

  test.each(['Acme.com', 'www acme', 'Visit http://evil', 'a@b', '<>', '555 0199 900'])(
    '%s is no name',
    (raw) => expect(organizationDisplayName(raw)).toBeUndefined(),
  );

  test('a telephone number is taken out, and at most 60 characters stay', () => {
    expect(organizationDisplayName('Call (900) 555-0199 now')).toBe('Call () - now');
    expect(organizationDisplayName('ab '.repeat(100))?.length).toBeLessThanOrEqual(60);
  });
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
      const names = [displayName(raw), organizationDisplayName(raw)].filter((name) => name !== undefined);
      for (const name of names) {
        expect(name).not.toMatch(/[/:@<>"{}%\\\p{Cc}\p{Cf}]/u);
        expect(name).not.toMatch(/\.\S/u);
        expect(Array.from(name).length).toBeLessThanOrEqual(60);
      }
    }),
    { numRuns: 2000 },
  );
});
