/** What messages can be counted by. */
export const numberDimensions = ['provider', 'domain', 'purpose', 'locale', 'hour'] as const;
export type NumberDimension = (typeof numberDimensions)[number];

/** What settled messages came to. Each counts once, by the status that it has now. */
export interface MessageCounts {
  /** Accepted and settled; those that still wait are not counted. */
  readonly settled: number;
  /** Nothing was to be sent: superseded, unknown, verified already. */
  readonly notSent: number;
  /** Given up before a provider took them. */
  readonly gaveUp: number;
  /** Handed over, or refused for good while that was tried. */
  readonly attempted: number;
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: number;
  readonly complained: number;
  /** Taken more than a day ago by a provider that reports deliveries, and not reported. */
  readonly unconfirmed: number;
  /** Attempted through a provider that reports deliveries, and of these the delivered ones. */
  readonly reporting: number;
  readonly reportedDelivered: number;
  /** Sent with a link or code of ours, and of these the ones whose link or code was used. */
  readonly provable: number;
  readonly verified: number;
}

/** Shares from 0 to 1; null where there is nothing to take a share of. */
export interface MessageRates {
  /** Of what reporting providers were given: of others nobody knows. */
  readonly delivery: number | null;
  /** Of what was attempted. */
  readonly bounce: number | null;
  /** Of what was sent. */
  readonly complaint: number | null;
  /** Of what was sent with a link or code of ours. */
  readonly conversion: number | null;
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

export const ratesOf = (counts: MessageCounts): MessageRates => ({
  delivery: share(counts.reportedDelivered, counts.reporting),
  bounce: share(counts.bounced, counts.attempted),
  complaint: share(counts.complained, counts.sent),
  conversion: share(counts.verified, counts.provable),
});

/** Reads `provider,purpose`; each counts once, in the order given. Empty: everything together. */
export const parseDimensions = (text: string): readonly NumberDimension[] | { readonly problem: string } => {
  const names = new Set(
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );
  const wanted = [...names].map((name) => numberDimensions.find((known) => known === name));
  return wanted.every((name) => name !== undefined)
    ? wanted
    : { problem: `must list some of ${numberDimensions.join(', ')}` };
};
