import type { BounceKind, DeliveryEvent } from './delivery-event.ts';

/**
 * A message only moves up in rank, so every order and repetition of the same reports ends in the
 * same status. `gave_up` and `skipped` lie below `sent`: an attempt whose answer was lost may have
 * got through, and the provider's later word outranks our own conclusion. A hard bounce outranks
 * `delivered` because receivers do accept first and bounce later; a complaint outranks everything.
 * `undelivered` is every other refusal (a soft bounce, a mail that the provider would not or could not
 * carry): it speaks of one copy, and a `delivered` of any copy outranks it, before or after (ADR 13).
 * The database computes the same table in `status_rank` and refuses to go back.
 */
export const messageRanks = {
  queued: 0,
  sending: 10,
  deferred: 10,
  gave_up: 40,
  skipped: 45,
  sent: 50,
  undelivered: 55,
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
    case 'undelivered':
    case 'bounced':
      return 'FAILED';
    case 'complained':
      return 'COMPLAINED';
  }
};

/** What of a report decides about the status; a stored one has null for what it does not say. */
export interface ReportedFacts extends Pick<DeliveryEvent, 'type'> {
  readonly bounce?: BounceKind | null | undefined;
}

/** What a report would make of a message on its own, or null when it says nothing about the status. */
export const statusReportedBy = (event: ReportedFacts): MessageStatus | null => {
  switch (event.type) {
    case 'accepted':
      return 'sent';
    case 'delivered':
      return 'delivered';
    case 'bounced':
      return event.bounce === 'soft' ? 'undelivered' : 'bounced';
    case 'rejected':
    case 'failed':
      return 'undelivered';
    case 'complained':
      return 'complained';
    case 'deferred':
    case 'unknown':
      return null;
  }
};

/**
 * Moves a message forward, or says that the report changes nothing. Providers repeat and reorder
 * their reports, so order is by rank and never by arrival: a late `delivered` cannot undo `complained`,
 * nor a late soft bounce `delivered`.
 */
export const advance = (status: MessageStatus, event: ReportedFacts): MessageStatus | 'ignore' => {
  const reported = statusReportedBy(event);
  if (reported === null || messageRanks[reported] <= messageRanks[status]) return 'ignore';
  return reported;
};
