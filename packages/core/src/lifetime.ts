const secondsPerMinute = 60;
const secondsPerHour = 3600;
const secondsPerDay = 86_400;

/**
 * A lifetime in words of the reader's language: 86 400 → "24 hours", "24 horas". Hours are used
 * up to two days, because "24 hours" promises more exactly than "1 day". At most two units are
 * named and the rest is dropped, so the words never promise more than the lifetime.
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
    .map(({ count, unit }) =>
      new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(count),
    );
  return new Intl.ListFormat(locale, { type: 'conjunction', style: 'long' }).format(parts);
};

type UnitCount = { readonly unit: 'day' | 'hour' | 'minute' | 'second'; readonly count: number };

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
