import { describe, expect, test } from 'vitest';
import {
  characterClasses,
  normalizePassword,
  parseCharacterClasses,
  type PasswordPolicy,
  passwordProblems,
} from '../src/password.ts';

const lengthOnly: PasswordPolicy = { sizeMin: 8, sizeMax: 128, classes: [] };
const strict: PasswordPolicy = { ...lengthOnly, classes: characterClasses };

describe('the length', () => {
  test.each([
    ['1234567', ['too_short']],
    ['12345678', []],
    ['        ', []],
    ['x'.repeat(128), []],
    ['x'.repeat(129), ['too_long']],
    ['', ['too_short']],
  ])('of %j is judged at its borders', (text, problems) => {
    expect(passwordProblems(lengthOnly, text)).toEqual(problems);
  });

  test('counts code points, not UTF-16 units', () => {
    expect(passwordProblems(lengthOnly, '🔑'.repeat(7))).toEqual(['too_short']);
    expect(passwordProblems(lengthOnly, '🔑'.repeat(128))).toEqual([]);
  });

  test('counts a letter with its accent once, however it was typed', () => {
    expect(passwordProblems(lengthOnly, 'e\u0301'.repeat(7))).toEqual(['too_short']);
    expect(passwordProblems(lengthOnly, 'e\u0301'.repeat(8))).toEqual([]);
  });
});

describe('the classes', () => {
  test.each([
    ['abcdEF1!', []],
    ['abcdefg1!', ['lacks_upper']],
    ['ABCDEFG1!', ['lacks_lower']],
    ['abcdEFGH!', ['lacks_digit']],
    ['abcdEFG12', ['lacks_special']],
    ['abcdEF1 x', ['lacks_special']],
    ['ÄÖÜäöü٣€', []],
    ['a', ['too_short', 'lacks_upper', 'lacks_digit', 'lacks_special']],
  ])('of %j are all told at once', (text, problems) => {
    expect(passwordProblems(strict, text)).toEqual(problems);
  });
});

test('half a surrogate pair is not text', () => {
  expect(passwordProblems(lengthOnly, `12345678\ud800`)).toEqual(['not_text']);
});

test('two ways to type one password are one', () => {
  expect(normalizePassword('pa\u0308sswort')).toBe(normalizePassword('p\u00e4sswort'));
  expect(normalizePassword('ﬁ')).toBe('ﬁ');
});

test('a list of classes is read in any order, and an unknown one refused', () => {
  expect(parseCharacterClasses('')).toEqual([]);
  expect(parseCharacterClasses('digit, upper,digit')).toEqual(['upper', 'digit']);
  expect(parseCharacterClasses('upper,cyrillic')).toHaveProperty('problem');
});
