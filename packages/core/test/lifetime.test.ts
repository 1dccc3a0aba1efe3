import { expect, test } from 'vitest';
import { lifetimeInWords } from '../src/lifetime.ts';

test.each([
  [86_400, 'en', '24 hours'],
  [86_400, 'es', '24 horas'],
  [3600, 'en', '1 hour'],
  [3600, 'es', '1 hora'],
  [604_800, 'en', '7 days'],
  [604_800, 'es', '7 días'],
  [172_800, 'en', '2 days'],
  [900, 'en', '15 minutes'],
  [60, 'en', '1 minute'],
  [45, 'en', '45 seconds'],
  [5400, 'en', '1 hour and 30 minutes'],
  [5400, 'es', '1 hora y 30 minutos'],
  [3605, 'en', '1 hour'],
  [86_399, 'en', '23 hours and 59 minutes'],
  [172_800 + 3600 + 59, 'en', '2 days and 1 hour'],
  [259_200 + 59, 'en', '3 days'],
])('%i seconds in %s are "%s"', (seconds, locale, words) => {
  expect(lifetimeInWords(seconds, locale)).toBe(words);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%d seconds are no lifetime', (seconds) => {
  expect(() => lifetimeInWords(seconds, 'en')).toThrow(RangeError);
});
