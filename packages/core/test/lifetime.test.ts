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

const cases = [60, 900, 3600, 7200, 5 * 3600, 86_400, 172_800, 604_800, 5400];

test.each([
  ['de', '1 Minute|15 Minuten|1 Stunde|2 Stunden|5 Stunden|24 Stunden|2 Tage|7 Tage|1 Stunde und 30 Minuten'],
  ['fr', '1 minute|15 minutes|1 heure|2 heures|5 heures|24 heures|2 jours|7 jours|1 heure et 30 minutes'],
  ['it', '1 minuto|15 minuti|1 ora|2 ore|5 ore|24 ore|2 giorni|7 giorni|1 ora e 30 minuti'],
  ['pt-BR', '1 minuto|15 minutos|1 hora|2 horas|5 horas|24 horas|2 dias|7 dias|1 hora e 30 minutos'],
  ['pl', '1 minuta|15 minut|1 godzina|2 godziny|5 godzin|24 godziny|2 dni|7 dni|1 godzina i 30 minut'],
  ['tr', '1 dakika|15 dakika|1 saat|2 saat|5 saat|24 saat|2 gün|7 gün|1 saat ve 30 dakika'],
  ['ru', '1 минута|15 минут|1 час|2 часа|5 часов|24 часа|2 дня|7 дней|1 час и 30 минут'],
  ['ar', 'دقيقة|15 دقيقة|ساعة|ساعتان|5 ساعات|24 ساعة|يومان|7 أيام|ساعة و30 دقيقة'],
  ['he', 'דקה אחת|15 דקות|שעה אחת|שעתיים|5 שעות|24 שעות|יומיים|7 ימים|שעה אחת ו-30 דקות'],
  ['hi', '1 मिनट|15 मिनट|1 घंटा|2 घंटे|5 घंटे|24 घंटे|2 दिन|7 दिन|1 घंटा और 30 मिनट'],
  ['ja', '1分|15分|1時間|2時間|5時間|24時間|2日|7日|1時間30分'],
  ['zh-Hans', '1分钟|15分钟|1小时|2小时|5小时|24小时|2天|7天|1小时30分钟'],
])('in %s numbers and units agree: %s', (locale, words) => {
  // French keeps a number and its unit together with a no-break space.
  const all = cases.map((seconds) => lifetimeInWords(seconds, locale).replaceAll('\u00a0', ' '));
  expect(all.join('|')).toBe(words);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%d seconds are no lifetime', (seconds) => {
  expect(() => lifetimeInWords(seconds, 'en')).toThrow(RangeError);
});
