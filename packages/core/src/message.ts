import type { DeliveryEvent } from './delivery-event.ts';

/**
 * A message only moves up in rank, so every order and repetition of the same reports ends in the
 * same status. `gave_up` and `skipped` lie below `sent`: an attempt whose answer was lost may have
 * got through, and the provider's later word outranks our own conclusion. A bounce outranks
 * `delivered` because receivers do accept first and bounce later; a complaint outranks everything.
 * The database computes the same table in `status_rank` and refuses to go back.
 */
export const messageRanks = {
  queued: 0,
  sending: 10,
  deferred: 10,
  gave_up: 40,
  skipped: 45,
  sent: 50,
  delivered: 60,
  bounced: 70,
  complained: 80,
} as const;

export type MessageStatus = keyof typeof messageRanks;

/** From this rank up the worker owes nothing more: the message is settled. */
export const settledRank = 40;

export const isSettled = (status: MessageStatus): boolean => messageRanks[status] >= settledRank;

/** The four words that every contract shows; anything before the hand-over has none yet. */
export type PublicStatus = 'SENT' | 'DELIVERED' | 'FAILED' | 'COMPLAINED';

/** The status as callers see it, or null while nothing was handed to a provider (or nothing will be). */
export const publicStatus = (status: MessageStatus): PublicStatus | null => {
  switch (status) {
    case 'queued':
    case 'sending':
    case 'deferred':
    case 'skipped':
      return null;
    case 'sent':
      return 'SENT';
    case 'delivered':
      return 'DELIVERED';
    case 'gave_up':
    case 'bounced':
      return 'FAILED';
    case 'complained':
      return 'COMPLAINED';
  }
};

/** What a report would make of a message on its own, or null when it says nothing about the status. */
export const statusReportedBy = (event: Pick<DeliveryEvent, 'type'>): MessageStatus | null => {
  switch (event.type) {
    case 'accepted':
      return 'sent';
    case 'delivered':
      return 'delivered';
    case 'bounced':
    case 'rejected':
    case 'failed':
      return 'bounced';
    case 'complained':
      return 'complained';
    case 'deferred':
    case 'unknown':
      return null;
  }
};

/**
 * Moves a message forward, or says that the report changes nothing. Providers repeat and reorder
 * their reports, so order is by rank and never by arrival: a late `delivered` cannot undo `complained`.
 */
export const advance = (
  status: MessageStatus,
  event: Pick<DeliveryEvent, 'type'>,
): MessageStatus | 'ignore' => {
  const reported = statusReportedBy(event);
  if (reported === null || messageRanks[reported] <= messageRanks[status]) return 'ignore';
  return reported;
};
