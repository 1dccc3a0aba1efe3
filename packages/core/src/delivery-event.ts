/**
 * What a provider can report about one message, in one vocabulary for all of them.
 * `accepted` = the provider took it; `delivered` = the receiving server took it; `deferred` = a try
 * failed and another follows; `bounced` = refused for good; `rejected` = the provider itself would
 * not carry it; `unknown` = a report that says nothing about delivery (opened, clicked, …).
 */
export const deliveryEventTypes = [
  'accepted',
  'deferred',
  'delivered',
  'bounced',
  'rejected',
  'complained',
  'failed',
  'unknown',
] as const;

export type DeliveryEventType = (typeof deliveryEventTypes)[number];

/** `hard`: the mailbox does not exist or must not be tried again. `soft`: it may work another time. */
export type BounceKind = 'hard' | 'soft';

/** One report, normalised by the provider's module. Holds no address and no token. */
export interface DeliveryEvent {
  readonly type: DeliveryEventType;
  readonly bounce?: BounceKind;
  /** The provider's own id of this report; the same report sent twice carries the same id. */
  readonly eventId: string;
  /** Our message id, where the provider carried it back as metadata or in our Message-ID. */
  readonly messageId?: string;
  /** The Message-ID or provider id as reported, for messages whose metadata did not survive. */
  readonly providerMessageId?: string;
  /** When it happened by the provider's clock; never used for ordering. */
  readonly occurredAt: Date;
  /** The provider's word for it, as reported and scrubbed (`bounce`, `suppress-bounce`, …). */
  readonly reason?: string;
}
