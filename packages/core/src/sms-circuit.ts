/** What became of the messages of one number block or country: `verified` are those whose code was used. */
export interface Conversion {
  readonly sent: number;
  readonly verified: number;
}

export interface CircuitRules {
  /** Below this share of codes used, in per cent, a block or a country is paused; 0 never pauses. */
  readonly pauseBelowPercent: number;
  /** Fewer messages than this say nothing. */
  readonly sendsMin: number;
}

/**
 * Whether what was sent says that the numbers are not people's: pumped messages are paid for and their
 * codes never used. Younger messages than `matureAfterSeconds` are not to be counted in `sent`.
 */
export const mustPause = ({ sent, verified }: Conversion, rules: CircuitRules): boolean =>
  sent >= rules.sendsMin && verified * 100 < sent * rules.pauseBelowPercent;

/** A person needs this long to type a code; a message younger than this has neither worked nor failed. */
export const matureAfterSeconds = 300;
