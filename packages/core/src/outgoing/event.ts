import type { AccountStatus } from '../account.ts';
import type { Channel } from '../destination.ts';

/** What the host application is told. Each is made in the transaction of what it tells of. */
export const outgoingEventTypes = [
  'verification.completed',
  'message.sent',
  'message.delivered',
  'message.failed',
  'message.complained',
  'invitation.accepted',
  'contact.changed',
  'contact.disowned',
  'account.lapsed',
  'contact.suppressed',
  'contact.suppression_lifted',
] as const;

export type OutgoingEventType = (typeof outgoingEventTypes)[number];

/** Sent to one endpoint when its operator asks for it; no feed shows it. */
export const testEventType = 'endpoint.test';

/** A stored event, which holds ids only, with what its account has now. */
export interface OutgoingEventFacts {
  readonly id: string;
  readonly type: OutgoingEventType | typeof testEventType;
  readonly occurredAt: Date;
  /** Its place among the events of its organization, without gaps. */
  readonly sequence: string;
  readonly organizationId: string;
  /** Of a lapsed account the id is all that there is. */
  readonly accountId: string | null;
  readonly messageId: string | null;
  readonly channel: Channel | null;
  readonly purpose: string | null;
  readonly method: string | null;
  readonly reason: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly accountStatus: AccountStatus | null;
}

/**
 * What is sent and what the feed shows, in the form that Standard Webhooks 1.0.0 gives a payload. The
 * address is put in now and stands in no row of the event: an account that was deleted leaves none.
 * `emailIsDisposable`: undefined where the organization does not ask.
 */
export const outgoingPayload = (event: OutgoingEventFacts, emailIsDisposable?: boolean) => ({
  type: event.type,
  timestamp: event.occurredAt.toISOString(),
  data: {
    sequence: Number(event.sequence),
    organizationId: event.organizationId,
    account:
      event.accountId === null
        ? null
        : {
            id: event.accountId,
            email: event.email,
            phone: event.phone,
            status: event.accountStatus,
            ...(emailIsDisposable !== undefined && event.email !== null && { emailIsDisposable }),
          },
    message: event.messageId === null ? null : { id: event.messageId },
    channel: event.channel,
    purpose: event.purpose,
    method: event.method,
    reason: event.reason,
  },
});
