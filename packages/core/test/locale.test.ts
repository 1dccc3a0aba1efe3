import { expect, test } from 'vitest';
import { canonicalLocale, chooseLocale, isRightToLeft } from '../src/locale.ts';

const supported = ['en', 'es', 'pt', 'zh', 'zh-Hant', 'fr-CA'];

test.each([
  ['pt-BR', undefined, 'pt'],
  ['pt_br', undefined, 'pt'],
  ['es-419', undefined, 'es'],
  ['zh-TW', undefined, 'zh-Hant'],
  ['zh-HK', undefined, 'zh-Hant'],
  ['zh-CN', undefined, 'zh'],
  ['fr-ca', undefined, 'fr-CA'],
  ['fr-FR', 'es', 'es'],
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
