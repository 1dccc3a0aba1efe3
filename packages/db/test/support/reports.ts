import { randomBytes } from 'node:crypto';
import type { DeliveryEvent, DeliveryEventType } from '@reconfirm/core/delivery-event';
import type { IncomingEvent } from '../../src/delivery-events.ts';
import { hashOf } from './rows.ts';

/** A provider's report of a message, with an id and a signature of its own. */
export const report = (
  type: DeliveryEventType,
  messageId: string | undefined,
  changes: Partial<DeliveryEvent> = {},
): IncomingEvent => {
  const eventId = randomBytes(8).toString('hex');
  return {
    provider: 'mailgun',
    event: {
      type,
      eventId,
      occurredAt: new Date(),
      ...(messageId === undefined ? {} : { messageId }),
      ...changes,
    },
    replayKey: hashOf(`signature ${eventId}`),
    bodyHash: hashOf(`body ${eventId}`),
  };
};
