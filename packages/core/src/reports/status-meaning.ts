import type { BounceKind, DeliveryEventType } from '../delivery-event.ts';
import type { Action, DeliveryStatus, RecipientStatus } from './delivery-status.ts';

export interface Meaning {
  readonly type: DeliveryEventType;
  readonly bounce?: BounceKind;
}

/** The class of a status (RFC 3463, 3.1): success, may pass, for good; `none` where there is no status. */
type StatusClass = '2' | '4' | '5' | 'none';

const unknown: Meaning = { type: 'unknown' };
const soft: Meaning = { type: 'bounced', bounce: 'soft' };
const hard: Meaning = { type: 'bounced', bounce: 'hard' };
const deferred: Meaning = { type: 'deferred' };
const delivered: Meaning = { type: 'delivered' };
/** Handed on to a server that reports nothing, or to a list: no more than sent. */
const passedOn: Meaning = { type: 'accepted' };

/**
 * Action × class of the status. `failed` with a 4 is a server that gave up trying. Where the two
 * contradict each other (failed, but 2.0.0) the report says nothing.
 */
const meanings: Readonly<Record<Action, Readonly<Record<StatusClass, Meaning>>>> = {
  failed: { 2: unknown, 4: soft, 5: soft, none: soft },
  delayed: { 2: unknown, 4: deferred, 5: deferred, none: deferred },
  delivered: { 2: delivered, 4: unknown, 5: unknown, none: delivered },
  relayed: { 2: passedOn, 4: unknown, 5: unknown, none: passedOn },
  expanded: { 2: passedOn, 4: unknown, 5: unknown, none: passedOn },
};

/**
 * No such mailbox (5.1.1, 5.1.3, 5.1.6 moved without a new address), no such system (5.1.2, 5.4.4), no mail
 * taken at all (5.1.10, RFC 7505), mailbox disabled (5.2.1). All others are about a policy, a full mailbox
 * or a fault of a system, and may pass (RFC 3463, 3.2 to 3.8).
 */
export const hardStatuses: ReadonlySet<string> = new Set([
  '5.1.1',
  '5.1.2',
  '5.1.3',
  '5.1.6',
  '5.1.10',
  '5.2.1',
  '5.4.4',
]);

const classOf = (status: string | undefined): StatusClass => {
  const first = status?.[0];
  return first === '2' || first === '4' || first === '5' ? first : 'none';
};

/** What a server's word on one recipient means. */
export const meaningOfRecipient = ({ action, status }: Pick<RecipientStatus, 'action' | 'status'>): Meaning =>
  action === 'failed' && status !== undefined && hardStatuses.has(status)
    ? hard
    : meanings[action][classOf(status)];

/** First counts. A message goes to one address; behind an alias or a list there may be several. */
const order: readonly ((meaning: Meaning) => boolean)[] = [
  ({ type }) => type === 'delivered',
  ({ type }) => type === 'accepted',
  ({ type }) => type === 'deferred',
  ({ bounce }) => bounce === 'soft',
  ({ bounce }) => bounce === 'hard',
];

/**
 * What a report as a whole means, with the recipient who decided. Of several the best counts: who stands
 * behind an alias does not fail the message for the others, nor make it a hard bounce alone. Undefined when
 * it says nothing.
 */
export const meaningOfStatus = (
  report: DeliveryStatus,
): { readonly meaning: Meaning; readonly recipient: RecipientStatus } | undefined => {
  const all = report.recipients.map((recipient) => ({ recipient, meaning: meaningOfRecipient(recipient) }));
  for (const isFirst of order) {
    const found = all.find(({ meaning }) => isFirst(meaning));
    if (found !== undefined) return found;
  }
  return undefined;
};
