/**
 * At these ages without a report a message is asked about again, in seconds: an hour, six hours, and a day,
 * when it would be called unconfirmed. Before them comes LOOKUP_AFTER_SECONDS, after them nothing.
 */
export const lookupAgesSeconds = [3600, 21_600, 86_400] as const;

/** What came of one question, as it is kept. */
export const lookupOutcomes = {
  found: 'it had something new to say.',
  nothing_new: 'it knows nothing that had not been reported.',
  unaskable: 'nothing is known by which it would find the message.',
  unclear: 'its answer could not be made sense of.',
} as const;

export type LookupOutcome = keyof typeof lookupOutcomes;

/** Waits after failures that no message is to blame for, in seconds: one, five, fifteen minutes, an hour. */
const restsSeconds = [60, 300, 900, 3600] as const;

/** How long a provider that did not answer, or refuses our key, is left alone after its n-th failure in a row (from 0). */
export const lookupRestSeconds = (failuresInARow: number): number =>
  restsSeconds[Math.min(failuresInARow, restsSeconds.length - 1)] ?? 3600;
