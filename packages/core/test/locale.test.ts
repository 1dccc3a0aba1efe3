import { expect, test } from 'vitest';
import {
  canonicalLocale,
  chooseLocale,
  chooseLocaleAmong,
  isRightToLeft,
  supportedLocales,
} from '../src/locale.ts';

const supported = ['en', 'es', 'pt', 'zh', 'zh-Hant', 'fr-CA'];

test.each([
  ['pt-BR', undefined, 'pt'],
  ['pt_br', undefined, 'pt'],
  ['es-419', undefined, 'es'],
  ['zh-TW', undefined, 'zh-Hant'],
  ['zh-HK', undefined, 'zh-Hant'],
  ['zh-CN', undefined, 'zh'],
  ['fr-ca', undefined, 'fr-CA'],
  ['fr-FR', 'es', 'fr-CA'],
  ['de', undefined, 'en'],
  [undefined, 'es-MX', 'es'],
  ['not a tag', 'es', 'es'],
  ['', undefined, 'en'],
  ['*', undefined, 'en'],
  ['x'.repeat(5000), undefined, 'en'],
  ['en-u-ca-buddhist', 'es', 'en'],
])('requested %s, stored %s: the reader gets %s', (requested, stored, expected) => {
  expect(chooseLocale(requested, stored, supported, 'en')).toBe(expected);
});

test.each([
  ['pt', 'pt-BR'],
  ['pt-PT', 'pt-BR'],
  ['es-MX', 'es'],
  ['iw', 'he'],
  ['de-CH', 'de'],
  ['zh', 'zh-Hans'],
  ['zh-CN', 'zh-Hans'],
  ['zh-SG', 'zh-Hans'],
  ['cmn-Hans', 'zh-Hans'],
  ['ar-EG', 'ar'],
  ['ja-JP', 'ja'],
])('a reader of %s gets %s of those we have', (wanted, expected) => {
  expect(chooseLocale(wanted, 'en', supportedLocales, 'en')).toBe(expected);
});

test.each([
  [['zh-TW', 'ja', 'es'], 'ja'],
  [['zh-Hant', 'sw'], 'zh-Hans'],
  [['zh-TW'], 'zh-Hans'],
  [['sw', 'zh-HK'], 'zh-Hans'],
  [['sw', 'tlh'], 'en'],
  [[], 'en'],
])('readers of %j get %s: another script comes last, but before a foreign language', (wishes, expected) => {
  expect(chooseLocaleAmong(wishes, supportedLocales, 'en')).toBe(expected);
});

test('a tag without a script is no match for another script', () => {
  expect(chooseLocale('zh-TW', 'es', ['en', 'es', 'zh'], 'en')).toBe('es');
  expect(chooseLocale('zh-TW', undefined, ['en', 'es', 'zh'], 'en')).toBe('zh');
});

test('of a header full of wishes the first twenty count', () => {
  const unheardOf = (count: number) => Array.from({ length: count }, (_, index) => `sw-Latn-x-${index}`);
  expect(chooseLocaleAmong([...unheardOf(19), 'es'], supportedLocales, 'en')).toBe('es');
  expect(chooseLocaleAmong([...unheardOf(20), 'es'], supportedLocales, 'en')).toBe('en');
});

test('every locale on the list is a canonical tag and finds itself', () => {
  for (const locale of supportedLocales) {
    expect(canonicalLocale(locale)).toBe(locale);
    expect(chooseLocale(locale, undefined, supportedLocales, 'en')).toBe(locale);
  }
});

test.each([
  ['PT_br', 'pt-BR'],
  ['es', 'es'],
  ['e', undefined],
  ['es\r\nX: y', undefined],
])('the canonical form of %s is %s', (tag, expected) => expect(canonicalLocale(tag)).toBe(expected));

test.each([
  ['ar', true],
  ['he', true],
  ['fa-IR', true],
  ['ur', true],
  ['ks-Deva', false],
  ['en', false],
  ['es', false],
  ['nonsense tag', false],
])('%s runs from right to left: %s', (locale, expected) => expect(isRightToLeft(locale)).toBe(expected));
