const secondsPerMinute = 60;
const secondsPerHour = 3600;
const secondsPerDay = 86_400;

/**
 * A lifetime in words of the reader's language: 86 400 → "24 hours", "24 horas". Hours are used
 * up to two days, because "24 hours" promises more exactly than "1 day". At most two units are
 * named and the rest is dropped, so the words never promise more than the lifetime.
 *
 * The words are in the nominative: a sentence that needs another case (Arabic duals, Polish and
 * Russian after a preposition) has to put them behind a colon.
 *
 * Throws a RangeError for a lifetime below one second.
 */
export const lifetimeInWords = (lifetimeSeconds: number, locale: string): string => {
  if (!Number.isFinite(lifetimeSeconds) || lifetimeSeconds < 1) {
    throw new RangeError(`A lifetime is at least one second, not ${lifetimeSeconds}.`);
  }
  const parts = splitLifetime(Math.floor(lifetimeSeconds))
    .slice(0, 2)
    .filter(({ count }) => count > 0)
    .map(({ count, unit }) => countInWords(count, unit, locale));
  return joinParts(parts, locale);
};

type Unit = 'day' | 'hour' | 'minute' | 'second';
type UnitCount = { readonly unit: Unit; readonly count: number };

/** CLDR writes "1 שעה"; Hebrew says the noun first and the number in letters. */
const oneInHebrew: Readonly<Record<Unit, string>> = {
  day: 'יום אחד',
  hour: 'שעה אחת',
  minute: 'דקה אחת',
  second: 'שנייה אחת',
};

/** Japanese sets no space between number and unit, and Chinese and Japanese none between units. */
const countInWords = (count: number, unit: Unit, locale: string): string => {
  const language = new Intl.Locale(locale).language;
  if (language === 'he' && count === 1) return oneInHebrew[unit];
  const words = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
  return language === 'ja' ? words.replaceAll(' ', '') : words;
};

const joinParts = (parts: readonly string[], locale: string): string =>
  ['ja', 'zh'].includes(new Intl.Locale(locale).language)
    ? parts.join('')
    : new Intl.ListFormat(locale, { type: 'conjunction', style: 'long' }).format(parts);

/** The counts of the units from the first that is not zero on. */
const splitLifetime = (totalSeconds: number): readonly UnitCount[] => {
  const days = totalSeconds >= 2 * secondsPerDay ? Math.floor(totalSeconds / secondsPerDay) : 0;
  const afterDays = totalSeconds - days * secondsPerDay;
  const counts: readonly UnitCount[] = [
    { unit: 'day', count: days },
    { unit: 'hour', count: Math.floor(afterDays / secondsPerHour) },
    { unit: 'minute', count: Math.floor((afterDays % secondsPerHour) / secondsPerMinute) },
    { unit: 'second', count: afterDays % secondsPerMinute },
  ];
  return counts.slice(counts.findIndex(({ count }) => count > 0));
};
