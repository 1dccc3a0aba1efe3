import { isSettled, type MessageStatus } from './message.ts';

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

/** Longest that an invitation may be extended to, from now on. */
export const extensionSecondsMax = 30 * 86_400;

/** Who asked for an invitation, as rows and events hold it. */
export type Inviter =
  | { readonly kind: 'account'; readonly id: string }
  | { readonly kind: 'key'; readonly id: string }
  | { readonly kind: 'operator' };

export const inviterName = (inviter: Inviter): string =>
  inviter.kind === 'operator' ? 'operator' : `${inviter.kind}:${inviter.id}`;
