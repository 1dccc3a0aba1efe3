import type { AccountStatus } from '../account.ts';
import type { Channel } from '../destination.ts';
import type { LiveTokens } from '../live-tokens.ts';

/** Why an account does not get a message of some purpose. */
export type Ineligibility = 'already_verified' | 'suspended';

/** How long each credential of a message works, counted from its hand-over to the provider. */
export interface Lifetime {
  readonly linkSeconds: number;
  readonly codeSeconds: number;
}

/**
 * What goes first when not everything can go at once; the smaller one. `urgent`: somebody waits at a screen
 * for it. `soon`: somebody has just asked for it and can go on without. `later`: nobody asked for it.
 * Also `messages.priority`, where a constraint holds the same values.
 */
export const priorities = { urgent: 0, soon: 1, later: 2 } as const;

export type Priority = (typeof priorities)[keyof typeof priorities];

/** What one kind of verification is: everything that differs between purposes stands here. */
export interface Purpose {
  readonly name: string;
  readonly channel: Channel;
  /** What a message of this purpose carries of ours; `none` where another system made it. An SMS has no room for a link that people would trust. */
  readonly credential: 'link_and_code' | 'link' | 'code' | 'none';
  /** Unless PURPOSE_LIFETIMES or the organization says otherwise. */
  readonly lifetime: Lifetime;
  /** Which messages of a subject work, unless PURPOSE_LIVE_TOKENS or the organization says otherwise. */
  readonly liveTokens: LiveTokens;
  /**
   * Who may ask. What only a signed-in account (or the service for it) asks for is ordered by the account
   * and not by the address: a new wish ends the one before, whatever address it names.
   */
  readonly askedBy: 'anybody' | 'administrator' | 'account' | 'service';
  /**
   * How long after acceptance a message is still worth sending; then it ends as FAILED. At most as long as its
   * link works, unless PURPOSE_SEND_WITHIN or the organization says otherwise.
   */
  readonly sendWithinSeconds: number;
  /** Before and after which other purposes its messages go. */
  readonly priority: Priority;
  /** Whether confirming lets the person in, besides proving the address. Such a link is worth stealing. */
  readonly opensSession: boolean;
  /** Null when an account of that status should get the message. */
  readonly ineligible: (status: AccountStatus) => Ineligibility | null;
}

/** Whose newest message owns the live token of a purpose. */
export const orderedBy = (purpose: Pick<Purpose, 'askedBy'>): 'address' | 'account' =>
  purpose.askedBy === 'anybody' || purpose.askedBy === 'administrator' ? 'address' : 'account';

/** For purposes that prove an address once: who has proved it needs no other message. */
export const onlyWhilePending = (status: AccountStatus): Ineligibility | null => {
  switch (status) {
    case 'pending':
      return null;
    case 'active':
    case 'past_due':
      return 'already_verified';
    case 'suspended':
      return 'suspended';
  }
};

/** For purposes that a verified account asks for again and again. */
export const unlessSuspended = (status: AccountStatus): Ineligibility | null =>
  status === 'suspended' ? 'suspended' : null;
