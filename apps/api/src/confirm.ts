import { timingSafeEqual } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Destination } from '@reconfirm/core/destination';
import { hashCode, readCode } from '@reconfirm/core/code';
import { orderedBy } from '@reconfirm/core/purposes/purpose';
import { type PurposeName, purposes } from '@reconfirm/core/purposes/registry';
import { hashToken } from '@reconfirm/core/token';
import { type CodeCandidate, codeCandidatesMax, type GuessOutcome } from '@reconfirm/db/code-guesses';
import type { KnownToken, Presented } from '@reconfirm/db/token-state';
import type { Confirmation } from '@reconfirm/db/verifications';
import { accountSubjectKeyOf, addressKeyOf, type KeySettings, subjectKeyOf } from './request-keys.ts';

/** Everything that presenting a token or a code can come to; each dialect has an answer for each. */
export type ConfirmOutcome =
  | {
      readonly kind: 'confirmed';
      /** False when it was confirmed before, within its lifetime: a success all the same. */
      readonly now: boolean;
      /** Whether the address had been proved before, by this token or in another way. */
      readonly wasProved: boolean;
      readonly token: KnownToken;
    }
  /** `unknown` is a wrong code, too: an unknown address and a wrong code are the same. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'expired' | 'superseded' | 'suspended' | 'address_taken'; readonly token: KnownToken }
  | { readonly kind: 'locked'; readonly retryAfterSeconds: number };

/** Whose code it is said to be. */
export interface CodeClaim {
  readonly organizationId: string;
  readonly purpose: PurposeName;
  /** Other purposes whose code it may be as well, where the person cannot know which mail it came with. */
  readonly orPurposes?: readonly PurposeName[];
  /**
   * The address that it was sent to, or the account (and side) that asked for a change. Codes of a change
   * are found by address, too: those that went there, whichever account asked.
   */
  readonly of: Destination | { readonly accountId: string; readonly side: string };
  /** As typed. */
  readonly code: string;
}

export interface ConfirmDependencies {
  readonly keys: KeySettings;
  readonly confirmToken: (presented: Presented, purposes: readonly string[]) => Promise<Confirmation>;
  readonly countGuess: (subjectKey: Uint8Array) => Promise<GuessOutcome>;
  readonly forgiveGuess: (subjectKey: Uint8Array) => Promise<void>;
  readonly findCodes: (subjectKey: Uint8Array) => Promise<readonly CodeCandidate[]>;
  readonly findCodesOfChanges: (addressKey: Uint8Array, purpose: string) => Promise<readonly CodeCandidate[]>;
}

export interface Confirm {
  /** Uses the token of a link. Tokens of other purposes than those given are unknown here. */
  byLink(token: string, purposes: readonly PurposeName[]): Promise<ConfirmOutcome>;
  /** Uses a code. The guess is counted before anything is compared, and a wrong one takes `wrongCodeMs` at least. */
  byCode(claim: CodeClaim): Promise<ConfirmOutcome>;
}

/**
 * How long a wrong code takes at least. Finding and comparing codes that there are takes some microseconds longer than
 * finding none, which of 5,000 answers told an AUC of 0.55. Fifteen times the median of both: when the answer goes, neither is
 * to be seen any more.
 */
export const wrongCodeMs = 25;

/** Proving an address, by whatever a message brought. */
export const createConfirm = (deps: ConfirmDependencies): Confirm => {
  return {
    byLink: async (token, wanted) =>
      outcomeOf(await deps.confirmToken({ by: 'link', tokenHash: hashToken(token) }, wanted)),

    byCode: async (claim) => {
      const code = readCode(claim.code);
      if (code === undefined) return { kind: 'unknown' };
      // Begun before anything is looked up, so that when it ends depends on nothing that is found.
      const earliest = delay(wrongCodeMs);
      const wanted = [claim.purpose, ...(claim.orPurposes ?? [])];
      const places = wanted.map((purpose) => placeOf(claim, purpose));
      for (const [index, { subjectKey }] of places.entries()) {
        const guess = await deps.countGuess(subjectKey);
        if (guess.kind === 'locked') {
          await forgive(places.slice(0, index));
          return guess;
        }
      }
      const candidates = await Promise.all(places.map(({ find }) => find()));
      const messageId = findMatch(candidates.flatMap(padded), code);
      if (messageId === null) {
        await earliest;
        return { kind: 'unknown' };
      }
      const outcome = outcomeOf(await deps.confirmToken({ by: 'code', messageId }, wanted));
      await forgive(places);
      return outcome;
    },
  };

  /** Under which key a code's guesses are counted, and where it is looked for. */
  function placeOf({ organizationId, of }: CodeClaim, purpose: PurposeName): CodePlace {
    if ('accountId' in of) {
      const subjectKey = accountSubjectKeyOf(purpose, of.accountId, of.side);
      return { subjectKey, find: () => deps.findCodes(subjectKey) };
    }
    const addressKey = addressKeyOf(deps.keys, organizationId, of.lookupForm);
    const subjectKey = subjectKeyOf(purpose, addressKey);
    return orderedBy(purposes[purpose]) === 'account'
      ? { subjectKey, find: () => deps.findCodesOfChanges(addressKey, purpose) }
      : { subjectKey, find: () => deps.findCodes(subjectKey) };
  }

  async function forgive(places: readonly CodePlace[]): Promise<void> {
    for (const { subjectKey } of places) await deps.forgiveGuess(subjectKey);
  }

  /** Compares with every candidate, so that the time says neither which one it was nor that there was any. */
  function findMatch(candidates: readonly CodeCandidate[], code: string): string | null {
    const matches = candidates.filter(({ messageId, codeHash }) =>
      timingSafeEqual(hashCode(deps.keys.hashKey, messageId, code), codeHash),
    );
    return matches[0]?.messageId ?? null;
  }
};

/** As many candidates as there may be. A hash of zeros is no code's, or none that will ever be met. */
const padded = (candidates: readonly CodeCandidate[]): readonly CodeCandidate[] =>
  Array.from({ length: codeCandidatesMax }, (_, index) => candidates[index] ?? nobodys);

const nobodys: CodeCandidate = {
  messageId: '00000000-0000-7000-8000-000000000000',
  codeHash: Buffer.alloc(32),
};

interface CodePlace {
  readonly subjectKey: Buffer;
  readonly find: () => Promise<readonly CodeCandidate[]>;
}

/** What using a token came to, or what a look at it says. */
export const outcomeOf = (confirmation: Confirmation): Exclude<ConfirmOutcome, { kind: 'locked' }> => {
  switch (confirmation.state) {
    case 'live':
      return { kind: 'confirmed', now: true, wasProved: 'wasProved' in confirmation, token: confirmation };
    case 'consumed':
      return { kind: 'confirmed', now: false, wasProved: true, token: confirmation };
    case 'expired':
    case 'superseded':
    case 'suspended':
    case 'address_taken':
      return { kind: confirmation.state, token: confirmation };
    case 'unknown':
    case 'other_purpose':
      return { kind: 'unknown' };
  }
};
