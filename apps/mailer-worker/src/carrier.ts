import type { Account } from '@reconfirm/core/account';
import type { PurposePolicy } from '@reconfirm/core/purposes/policy';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { NoticeReason } from '@reconfirm/core/resolve';
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

export type HandOver = (signal: AbortSignal) => Promise<SendResult>;

/**
 * What carries the messages of one channel: how they are composed, and by whom they are handed over. Each
 * composes a message now and returns its hand-over; each throws when the message cannot be composed.
 */
export interface Carrier {
  readonly providerName: string;
  /** Tokens are made and nothing is sent. */
  readonly isOff: boolean;
  readonly prepare: (draft: Draft) => HandOver;
  readonly prepareNotice: (draft: NoticeDraft) => HandOver;
  readonly prepareRelayed: (draft: RelayedDraft) => HandOver;
}
