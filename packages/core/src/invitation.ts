import { isSettled, type MessageStatus, publicStatus } from './message.ts';

/** What an administrator is shown of an invitation. */
export type InvitationState = 'PENDING' | 'ACCEPTED' | 'EXPIRED' | 'REVOKED';

export interface InvitationFacts {
  readonly isAccepted: boolean;
  readonly isRevoked: boolean;
  /** Of the newest message; null when retention has forgotten it, and its token with it. */
  readonly messageStatus: MessageStatus | null;
  /** Null while no token was made: the lifetime begins at the hand-over. */
  readonly isExpired: boolean | null;
}

/** How an invitation stands. Accepting outlasts everything; a withdrawn one stays so until it is sent again. */
export const invitationState = (facts: InvitationFacts): InvitationState => {
  if (facts.isAccepted) return 'ACCEPTED';
  if (facts.isRevoked) return 'REVOKED';
  if (facts.messageStatus === null) return 'EXPIRED';
  return facts.isExpired === true && isSettled(facts.messageStatus) ? 'EXPIRED' : 'PENDING';
};

/** The same in a list, where one word also says what became of the mail. */
export const listedInvitationStates = [
  'PENDING',
  'DELIVERED',
  'BOUNCED',
  'ACCEPTED',
  'EXPIRED',
  'REVOKED',
] as const;

export type ListedInvitationState = (typeof listedInvitationStates)[number];

/**
 * How an invitation stands in a list. A mail that did not arrive goes before an end that nobody could have met.
 * The database computes the same to look for a state; a test holds the two together.
 */
export const listedInvitationState = (facts: InvitationFacts): ListedInvitationState => {
  const state = invitationState(facts);
  if (state === 'ACCEPTED' || state === 'REVOKED' || facts.messageStatus === null) return state;
  const shown = publicStatus(facts.messageStatus);
  if (shown === 'FAILED') return 'BOUNCED';
  // Reported as spam is arrived, too.
  return state === 'PENDING' && (shown === 'DELIVERED' || shown === 'COMPLAINED') ? 'DELIVERED' : state;
};

/** Longest that an invitation may be extended to, from now on. */
export const extensionSecondsMax = 30 * 86_400;

/** Who asked for an invitation, as rows and events hold it. */
export type Inviter =
  | { readonly kind: 'account'; readonly id: string }
  | { readonly kind: 'key'; readonly id: string }
  | { readonly kind: 'operator' };

export const inviterName = (inviter: Inviter): string =>
  inviter.kind === 'operator' ? 'operator' : `${inviter.kind}:${inviter.id}`;
