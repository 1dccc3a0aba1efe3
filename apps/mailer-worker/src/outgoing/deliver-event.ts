import { type AttemptOutcome, type AttemptVerdict, judgeAttempt } from '@reconfirm/core/outgoing/delivery';
import { outgoingPayload } from '@reconfirm/core/outgoing/event';
import { webhookHeaders } from '@reconfirm/core/outgoing/signature';
import { unseal } from '@reconfirm/core/sealed';
import type { Secret } from '@reconfirm/core/secret';
import type { KeyRing } from '@reconfirm/core/token';
import type { ClaimedDelivery, FinishedAttempt } from '@reconfirm/db/webhook-deliveries';
import { disposableOfEvent, type JudgeDisposable } from '@reconfirm/process/disposable-domains';
import type { PostEvent } from './post-event.ts';

export interface EventDeliveryOptions {
  readonly keys: KeyRing;
  readonly post: PostEvent;
  readonly chance: () => number;
  readonly judgeDisposable: JudgeDisposable;
  readonly onSecretUnreadable: (endpointId: string, error: unknown) => void;
}

/** Makes one attempt: unseal → compose → sign → post → judge. Writes nothing; rejects only when `signal` aborts. */
export const createEventDelivery = (options: EventDeliveryOptions) => {
  return async (delivery: ClaimedDelivery, signal: AbortSignal): Promise<FinishedAttempt> => {
    const startMs = performance.now();
    const outcome = await attempt(delivery, signal);
    const verdict: AttemptVerdict = judgeAttempt(outcome, delivery.failures, options.chance());
    return { outcome, verdict, tookMs: performance.now() - startMs };
  };

  async function attempt(delivery: ClaimedDelivery, signal: AbortSignal): Promise<AttemptOutcome> {
    const secrets = secretsOf(delivery);
    if (secrets === null) return { kind: 'failed', reason: 'secret_unreadable' };
    const body = JSON.stringify(
      outgoingPayload(delivery.event, disposableOfEvent(options.judgeDisposable, delivery.event)),
    );
    const headers = webhookHeaders(secrets, { id: delivery.event.id, at: new Date(), body });
    return options.post({ url: delivery.url, headers, body, signal });
  }

  function secretsOf({ endpointId, sealed, previousSealed }: ClaimedDelivery): readonly Secret[] | null {
    try {
      return [sealed, ...(previousSealed === null ? [] : [previousSealed])].map((bytes) =>
        unseal(options.keys, bytes, endpointId),
      );
    } catch (error) {
      options.onSecretUnreadable(endpointId, error);
      return null;
    }
  }
};
