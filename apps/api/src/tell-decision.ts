import type { FastifyRequest } from 'fastify';
import type { Destination } from '@reconfirm/core/destination';
import { logLabel } from '@reconfirm/core/keyed-hash';
import type { ApiMetrics } from './metrics.ts';
import { addressKeyOf, type KeySettings } from './request-keys.ts';

export interface Decided {
  readonly kind: string;
  readonly messageId?: string;
  /** Where the use case has the key at hand; else it is made again. */
  readonly addressKey?: Uint8Array;
  readonly by?: { readonly kind: string; readonly retryAfterSeconds: number };
}

/** For whom something was decided, and what it was. */
export interface DecidedRequest {
  readonly what: string;
  readonly organizationId: string;
  readonly destination: Destination;
}

/** Logs and counts what was decided about a request for a message. */
export type TellDecision = (request: FastifyRequest, asked: DecidedRequest, outcome: Decided) => void;

/**
 * The one wide line of a request for a message. A refusal names its limit; the address is there only
 * as the label under which an operator finds all lines about it.
 */
export const tellDecision =
  (metrics: ApiMetrics, keys: KeySettings, contract: string): TellDecision =>
  (request, { what, organizationId, destination }, outcome) => {
    metrics.resendDecided(contract, `${what}_${outcome.kind}`);
    if (outcome.by !== undefined) metrics.limited(outcome.by.kind);
    request.log.info(
      {
        contract,
        what,
        outcome: outcome.kind,
        addressLabel: logLabel(
          outcome.addressKey ?? addressKeyOf(keys, organizationId, destination.lookupForm),
        ),
        messageId: outcome.messageId,
        limit: outcome.by?.kind,
        retryAfterSeconds: outcome.by?.retryAfterSeconds,
      },
      'resend.decided',
    );
  };
