import { timingSafeEqual } from 'node:crypto';
import type { Destination } from '@reconfirm/core/destination';
import { hashCode, readCode } from '@reconfirm/core/code';
import type { PurposeName } from '@reconfirm/core/purposes/registry';
import { hashToken } from '@reconfirm/core/token';
import type { CodeCandidate, GuessOutcome } from '@reconfirm/db/code-guesses';
import type { KnownToken, Presented } from '@reconfirm/db/token-state';
import type { Confirmation } from '@reconfirm/db/verifications';
import { accountSubjectKeyOf, addressKeyOf, type KeySettings, subjectKeyOf } from './request-keys.ts';

/** Everything that presenting a token or a code can come to; each dialect has an answer for each. */
export type ConfirmOutcome =
  | {
      readonly kind: 'confirmed';
      /** False when it was confirmed before, within its lifetime: a success all the same. */
      readonly now: boolean;
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
  /** The address that it was sent to, or the account (and side) that asked for a change. */
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
}

export interface Confirm {
  /** Uses the token of a link. Tokens of other purposes than those given are unknown here. */
  byLink(token: string, purposes: readonly PurposeName[]): Promise<ConfirmOutcome>;
  /** Uses a code. The guess is counted before anything is compared. */
  byCode(claim: CodeClaim): Promise<ConfirmOutcome>;
}

/** Proving an address, by whatever a message brought. */
export const createConfirm = (deps: ConfirmDependencies): Confirm => {
  return {
    byLink: async (token, purposes) =>
      outcomeOf(await deps.confirmToken({ by: 'link', tokenHash: hashToken(token) }, purposes)),

    byCode: async (claim) => {
      const code = readCode(claim.code);
      if (code === undefined) return { kind: 'unknown' };
      const subjectKey = subjectKeyOfClaim(claim);
      const guess = await deps.countGuess(subjectKey);
      if (guess.kind === 'locked') return guess;
      const messageId = findMatch(await deps.findCodes(subjectKey), code);
      if (messageId === null) return { kind: 'unknown' };
      const outcome = outcomeOf(await deps.confirmToken({ by: 'code', messageId }, [claim.purpose]));
      await deps.forgiveGuess(subjectKey);
      return outcome;
    },
  };

  function subjectKeyOfClaim({ organizationId, purpose, of }: CodeClaim): Buffer {
    return 'accountId' in of
      ? accountSubjectKeyOf(purpose, of.accountId, of.side)
      : subjectKeyOf(purpose, addressKeyOf(deps.keys, organizationId, of.lookupForm));
  }

  /** Compares with every candidate, so that the time says nothing about which one it was. */
  function findMatch(candidates: readonly CodeCandidate[], code: string): string | null {
    const matches = candidates.filter(({ messageId, codeHash }) =>
      timingSafeEqual(hashCode(deps.keys.hashKey, messageId, code), codeHash),
    );
    return matches[0]?.messageId ?? null;
  }
};

const outcomeOf = (confirmation: Confirmation): ConfirmOutcome => {
  switch (confirmation.state) {
    case 'live':
      return { kind: 'confirmed', now: true, token: confirmation };
    case 'consumed':
      return { kind: 'confirmed', now: false, token: confirmation };
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
