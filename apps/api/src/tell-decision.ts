import type { FastifyRequest } from 'fastify';
import type { Destination } from '@reconfirm/core/destination';
import { logLabel } from '@reconfirm/core/keyed-hash';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import type { ApiMetrics } from './metrics.ts';
import { addressKeyOf, type KeySettings } from './request-keys.ts';

interface Decided {
  readonly kind: string;
  readonly messageId?: string;
  readonly by?: { readonly kind: string; readonly retryAfterSeconds: number };
}

/**
 * The one wide line of a request for a message. A refusal names its limit; the address is there only
 * as the label under which an operator finds all lines about it.
 */
export const tellDecision =
  (metrics: ApiMetrics, keys: KeySettings) =>
  (request: FastifyRequest, what: string, destination: Destination, outcome: Decided): void => {
    metrics.resendDecided('v1', `${what}_${outcome.kind}`);
    if (outcome.by !== undefined) metrics.limited(outcome.by.kind);
    request.log.info(
      {
        what,
        outcome: outcome.kind,
        addressLabel: logLabel(addressKeyOf(keys, defaultOrganizationId, destination.lookupForm)),
        messageId: outcome.messageId,
        limit: outcome.by?.kind,
        retryAfterSeconds: outcome.by?.retryAfterSeconds,
      },
      'resend.decided',
    );
  };
