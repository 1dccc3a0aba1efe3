import type { PutOffReason, Resolution } from '@reconfirm/core/resolve';
import { planRetry } from '@reconfirm/core/retry';
import { causeOfRefusal } from '@reconfirm/core/suppression';
import type { ClaimedMessage } from '@reconfirm/db/claims';
import type { MessageRecord } from '@reconfirm/db/records';
import type { Carrier } from './carrier.ts';
import type { Prepared } from './prepare.ts';
import type { SendResult } from './transports/transport.ts';

/** How long a message waits for a worker that can do what this one cannot. */
const putOffSeconds = 60;

const blankRecord = (claimed: ClaimedMessage) => ({
  messageId: claimed.id,
  attempt: claimed.attempt,
  reason: null,
  retryAfterSeconds: 0,
  countsAsFailure: false,
  accountId: claimed.account?.id ?? null,
  result: null,
  code: null,
  reply: null,
  providerMessageId: null,
});

export const notSent = (claimed: ClaimedMessage, decision: Resolution): MessageRecord => ({
  ...blankRecord(claimed),
  status: decision.kind === 'give_up' ? 'gave_up' : 'skipped',
  reason: 'reason' in decision ? decision.reason : null,
});

export const notComposed = (claimed: ClaimedMessage): MessageRecord => ({
  ...blankRecord(claimed),
  status: 'gave_up',
  reason: 'not_composed',
});

/** Nothing was tried and nothing is held against the message; it is looked at again later. */
export const putOff = (claimed: ClaimedMessage, reason: PutOffReason): MessageRecord => ({
  ...blankRecord(claimed),
  status: 'deferred',
  reason,
  retryAfterSeconds: putOffSeconds,
});

/** The sender of its organization is being refused: nothing is tried, and nothing is held against the message. */
export const senderRests = (claimed: ClaimedMessage, restSeconds: number): MessageRecord => ({
  ...blankRecord(claimed),
  status: 'deferred',
  reason: 'sender_refused',
  retryAfterSeconds: restSeconds,
});

export interface HandOverFacts {
  readonly carrier: Pick<Carrier, 'channel' | 'retriesAmbiguous'>;
  /** When our set-up, or the organization's sender, was refused: when some way opens again. */
  readonly restSeconds: number;
  /** Another provider gets it now. */
  readonly goesOn: boolean;
}

/** What a hand-over amounts to: sent, refused for good, or due again. Only here do failures become a status. */
export const handedOver = (
  claimed: ClaimedMessage,
  { accountId, sentReason }: Prepared,
  result: SendResult,
  { carrier, restSeconds, goesOn }: HandOverFacts,
): MessageRecord => {
  const base = { ...blankRecord(claimed), accountId, reply: result.reply };
  if (result.kind === 'accepted')
    return {
      ...base,
      status: 'sent',
      reason: sentReason,
      result: 'accepted',
      providerMessageId: result.providerMessageId ?? null,
    };
  const { failure } = result;
  const failed = { ...base, reason: failure.code, code: failure.code };
  if (failure.kind === 'permanent') {
    const suppresses = causeOfRefusal({ channel: carrier.channel, code: failure.code, reply: result.reply });
    return { ...failed, status: 'bounced', result: 'permanent', suppresses };
  }
  if (failure.kind === 'ambiguous' && !carrier.retriesAmbiguous)
    return { ...failed, status: 'gave_up', result: 'ambiguous' };
  const deferred = { ...failed, status: 'deferred', result: failure.kind } as const;
  if (goesOn) return deferred;
  // Due when a way opens: in a quiet hour this message is the next probe itself.
  if (failure.kind === 'misconfigured') return { ...deferred, retryAfterSeconds: restSeconds };
  const plan = planRetry(failure, claimed.failures, Math.random(), carrier.channel);
  return { ...deferred, retryAfterSeconds: plan.afterSeconds, countsAsFailure: plan.countsAsFailure };
};
