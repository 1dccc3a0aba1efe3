import type { Account } from '@reconfirm/core/account';
import { recipientDomainOf } from '@reconfirm/core/mail-domain';
import type { PurposePolicy } from '@reconfirm/core/purposes/policy';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import type { NoticeReason, PutOffReason, Resolution } from '@reconfirm/core/resolve';
import { unseal } from '@reconfirm/core/sealed';
import { readSealedContent, type SealedContent } from '@reconfirm/core/sealed-content';
import type { AttemptStart, ClaimedMessage, StartedCredential } from '@reconfirm/db/claims';
import type { Carrier, HandOver } from './carrier.ts';
import { type Credential, type CredentialKeys, deriveCredential } from './credential.ts';

/** A message ready to go: what to write down first, and how to hand it over. */
export interface Prepared {
  readonly start: AttemptStart;
  /** Null when the token is only made. */
  readonly handOver: HandOver | null;
  readonly accountId: string | null;
  /** What is on record beside `sent`, where something else was sent than what was asked for. */
  readonly sentReason: NoticeReason | null;
}

export interface PrepareOptions {
  readonly carrier: Carrier;
  readonly keys: CredentialKeys;
  readonly workerName: string;
}

export type Prepare = (
  claimed: ClaimedMessage,
  purpose: Purpose,
  policy: PurposePolicy,
  decision: Exclude<Resolution, { kind: 'skip' | 'give_up' | 'resend_change' }>,
) => Prepared | PutOffReason | 'too_late';

/** Makes a message out of what was decided about it; or says why this worker cannot. */
export const createPrepare = ({ carrier, keys, workerName }: PrepareOptions): Prepare => {
  return (claimed, purpose, policy, decision) => {
    switch (decision.kind) {
      case 'send':
      case 'make_token_only':
        return withCredential(claimed, purpose, policy, decision);
      case 'notify':
        return notice(claimed, decision.account, decision.reason);
      case 'relay':
        return relay(claimed);
    }
  };

  function withCredential(
    claimed: ClaimedMessage,
    purpose: Purpose,
    policy: PurposePolicy,
    decision: Extract<Resolution, { kind: 'send' | 'make_token_only' }>,
  ): Prepared | PutOffReason {
    const credential = deriveCredential(claimed, purpose, keys);
    if (credential === null) return 'wrong_token_key';
    const { account } = decision;
    return {
      start: startOf(
        claimed,
        account.id,
        startedOf(credential, policy),
        decision.kind === 'send' ? decision.to : null,
      ),
      handOver:
        decision.kind === 'send'
          ? carrier.prepare({ claimed, account, to: decision.to, purpose, policy, credential })
          : null,
      accountId: account.id,
      sentReason: null,
    };
  }

  function notice(
    claimed: ClaimedMessage,
    account: Account | null,
    reason: NoticeReason,
  ): Prepared | PutOffReason {
    const content = account === null ? open(claimed) : null;
    const to = account === null ? content?.to : account.email;
    if (to === undefined || to === null) return 'wrong_token_key';
    if (carrier.prepareNotice === null) throw new Error(`nobody is told anything by ${carrier.channel}`);
    return {
      start: startOf(claimed, account?.id ?? null, null, to),
      handOver: carrier.prepareNotice({ claimed, account, to, reason }),
      accountId: account?.id ?? null,
      sentReason: reason,
    };
  }

  function relay(claimed: ClaimedMessage): Prepared | PutOffReason | 'too_late' {
    const content = open(claimed);
    if (content?.kind !== 'relayed') return 'wrong_token_key';
    // Its credential has been living since the other system made it, not since the hand-over.
    if (claimed.ageSeconds > content.lifetimeSeconds) return 'too_late';
    return {
      start: startOf(claimed, null, null, content.to),
      handOver: carrier.prepareRelayed({ claimed, content }),
      accountId: null,
      sentReason: null,
    };
  }

  /** Null when the ring lacks the key, or the row holds nothing that this version can read. */
  function open(claimed: ClaimedMessage): SealedContent | null {
    if (claimed.sealed === null) return null;
    try {
      return readSealedContent(unseal(keys.ring, claimed.sealed, claimed.id).reveal()) ?? null;
    } catch {
      return null;
    }
  }

  function startOf(
    claimed: ClaimedMessage,
    accountId: string | null,
    credential: StartedCredential | null,
    to: string | null,
  ): AttemptStart {
    return {
      recipientDomain: to === null || carrier.channel === 'sms' ? null : recipientDomainOf(to),
      messageId: claimed.id,
      attempt: claimed.attempt,
      accountId,
      provider: carrier.providerName,
      worker: workerName,
      credential,
    };
  }
};

const startedOf = (credential: Credential, { lifetime, liveTokens }: PurposePolicy): StartedCredential => ({
  tokenHash: credential.tokenHash,
  nonce: credential.nonce,
  keyVersion: credential.keyVersion,
  ttlSeconds: lifetime.linkSeconds,
  code: credential.codeHash === null ? null : { hash: credential.codeHash, ttlSeconds: lifetime.codeSeconds },
  liveTokens,
});
