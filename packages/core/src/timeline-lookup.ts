import { type LookupOutcome, lookupOutcomes } from './lookup.ts';

/** One time that the provider was asked; without an outcome its answer is awaited, or the worker died. */
export interface LookupFacts {
  readonly askedAt: Date;
  readonly provider: string;
  readonly outcome: LookupOutcome | null;
}

/** What is told of each question. What the provider said stands among the reports. */
export const lookupLines = (lookups: readonly LookupFacts[]) =>
  lookups.map(({ askedAt, provider, outcome }) => ({
    at: askedAt,
    what: `The provider was asked: ${outcome === null ? 'no answer is known (yet).' : lookupOutcomes[outcome]}`,
    detail: provider,
  }));
