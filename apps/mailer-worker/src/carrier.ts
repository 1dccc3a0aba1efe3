import type { Account } from '@reconfirm/core/account';
import type { Channel } from '@reconfirm/core/destination';
import type { PurposePolicy } from '@reconfirm/core/purposes/policy';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { SmsSkipReason } from '@reconfirm/core/resolve';
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

/** What carries the messages of one channel: how they are composed, and by whom they are handed over. */
export interface Carrier {
  readonly channel: Channel;
  readonly providerName: string;
  /** Tokens are made and nothing is sent. */
  readonly isOff: boolean;
  /** Whether a message that may have been taken is handed over once more: free and harmless, or neither. */
  readonly retriesAmbiguous: boolean;
  /** Composes a message now and returns its hand-over. Throws when it cannot be composed. */
  readonly prepare: (draft: Draft) => HandOver;
}
