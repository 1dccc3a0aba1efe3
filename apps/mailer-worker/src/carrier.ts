import type { Account } from '@reconfirm/core/account';
import type { Channel } from '@reconfirm/core/destination';
import type { PurposePolicy } from '@reconfirm/core/purposes/policy';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { NoticeReason, SmsSkipReason } from '@reconfirm/core/resolve';
import type { RelayedContent } from '@reconfirm/core/sealed-content';
import type { ClaimedMessage } from '@reconfirm/db/claims';
import type { Credential } from './credential.ts';
import type { SendResult } from './transports/transport.ts';

/** All that a message is made of. */
export interface Draft {
  readonly claimed: ClaimedMessage;
  readonly account: Account;
  /** The one recipient. */
  readonly to: string;
  readonly purpose: Purpose;
  readonly policy: PurposePolicy;
  readonly credential: Credential;
}

/** What is told to somebody who asked for what they cannot get. */
export interface NoticeDraft {
  readonly claimed: ClaimedMessage;
  readonly account: Account | null;
  readonly to: string;
  readonly reason: NoticeReason;
}

/** A message that another system made. */
export interface RelayedDraft {
  readonly claimed: ClaimedMessage;
  readonly content: RelayedContent;
}

/** One composed message on its way out. */
export interface HandOver {
  /**
   * For messages that cost money: reserves it before anything is begun, or says why it must not be spent.
   * Rejects only when the database does not answer.
   */
  readonly reserve?: () => Promise<SmsSkipReason | null>;
  /** Gives back what was reserved: the provider certainly did not take the message. */
  readonly release?: () => Promise<void>;
  readonly send: (signal: AbortSignal) => Promise<SendResult>;
}

/**
 * What carries the messages of one channel: how they are composed, and by whom they are handed over. Each
 * composes a message now and returns its hand-over; each throws when the message cannot be composed.
 */
export interface Carrier {
  readonly channel: Channel;
  readonly providerName: string;
  /** Tokens are made and nothing is sent. */
  readonly isOff: boolean;
  /** Whether a message that may have been taken is handed over once more: free and harmless, or neither. */
  readonly retriesAmbiguous: boolean;
  /** The sender that an organization has instead of the installation's; none unless it is given. */
  readonly ownSenderOf?: ((organizationId: string) => string | undefined) | undefined;
  readonly prepare: (draft: Draft) => HandOver;
  /** Null where nobody is told anything unasked: `resolve` then decides on no notice. */
  readonly prepareNotice: ((draft: NoticeDraft) => HandOver) | null;
  readonly prepareRelayed: (draft: RelayedDraft) => HandOver;
}
