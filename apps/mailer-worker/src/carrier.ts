import type { Account } from '@reconfirm/core/account';
import type { PurposePolicy } from '@reconfirm/core/purposes/policy';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
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

/** What carries the messages of one channel: how they are composed, and by whom they are handed over. */
export interface Carrier {
  readonly providerName: string;
  /** Tokens are made and nothing is sent. */
  readonly isOff: boolean;
  /** Composes a message now and returns its hand-over. Throws when it cannot be composed. */
  readonly prepare: (draft: Draft) => (signal: AbortSignal) => Promise<SendResult>;
}
