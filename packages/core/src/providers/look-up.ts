import type { DeliveryEvent } from '../delivery-event.ts';
import type { Secret } from '../secret.ts';
import { retryAfterOf } from '../sms-providers/answer.ts';
import { decodeJson } from './webhook-body.ts';

/** How a provider's API is reached. */
export interface LookUpSettings {
  /** Where the API is, without a slash at its end. */
  readonly apiUrl: string;
  /** The name that goes with the key, or the sending domain; empty where the provider has neither. */
  readonly accountId: string;
  readonly key: Secret;
}

/** The message that is asked about. */
export interface AskedMessage {
  /** Our id. */
  readonly messageId: string;
  /** The Message-ID that it was handed over with, in its brackets. */
  readonly messageIdHeader: string;
  /** What the provider called it in its answer to the hand-over or in a report, where it did. */
  readonly providerMessageId?: string | undefined;
  /** Stands for when it happened, where the provider's answer does not say. */
  readonly now: Date;
}

/** One GET. Its headers hold a key, and the answer may hold the mail with its link: neither is ever logged. */
export interface LookUpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What came back: the status line, the headers that matter, and the body as far as it was read. */
export interface LookUpAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** What a provider's module reads in a body; `next` has to be asked before everything is known. */
export interface LookUpReading {
  readonly events: readonly DeliveryEvent[];
  readonly next?: LookUpStep | undefined;
}

/** A question, and how its answer is read. */
export interface LookUpStep {
  readonly request: LookUpRequest;
  /**
   * What 404 means: `unknown`, the provider has no such message; `refused`, the address is there for every
   * message, so our settings name a domain or an account that is not.
   */
  readonly notFound: 'unknown' | 'refused';
  /** Takes any JSON and never throws; undefined for what is not the documented answer. */
  readonly read: (body: unknown) => LookUpReading | undefined;
}

/** How a provider is asked what became of a message, as pure functions. */
export interface ProviderLookUp {
  /** Where the API is, unless a setting says otherwise. */
  readonly apiUrl: string;
  /** The least time between two questions of one process, in milliseconds, by the provider's limits. */
  readonly spacingMs: number;
  /** The first question; null when nothing is known by which the provider would find the message. */
  readonly ask: (message: AskedMessage, settings: LookUpSettings) => LookUpStep | null;
}

/** So many questions at most for one message: a search, the message, and a bounce. */
export const lookUpStepsMax = 3;

export type LookUpVerdict =
  | ({ readonly kind: 'answered' } & LookUpReading)
  /** Our key, account or domain is refused: an operator has to mend it. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds?: number }
  /** The provider is out of order, or something between it and us is. */
  | { readonly kind: 'unavailable' }
  /** An answer that is not the documented one. */
  | { readonly kind: 'unclear' };

/** Judges an answer. Takes anything and never throws. */
export const judgeLookUp = (step: LookUpStep, answer: LookUpAnswer): LookUpVerdict => {
  const { status } = answer;
  if (status === 429) {
    const retryAfterSeconds = retryAfterOf(answer);
    return { kind: 'throttled', ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }
  if (status === 401 || status === 402 || status === 403) return { kind: 'refused' };
  if (status === 404)
    return step.notFound === 'refused' ? { kind: 'refused' } : { kind: 'answered', events: [] };
  // A redirect is not followed: our key would go where nobody sent it.
  if (status >= 500 || status === 408 || (status >= 300 && status < 400)) return { kind: 'unavailable' };
  if (status !== 200) return { kind: 'unclear' };
  const reading = step.read(decodeJson(Buffer.from(answer.body)));
  return reading === undefined ? { kind: 'unclear' } : { kind: 'answered', ...reading };
};

/**
 * The reports that count, as ones of the message that was asked about. What speaks of another message of
 * ours is dropped, and what says nothing about delivery (opened, clicked) is not what was asked.
 */
export const reportsOf = (
  message: AskedMessage,
  events: readonly (DeliveryEvent | undefined)[],
): readonly DeliveryEvent[] =>
  events
    .filter((event) => event !== undefined)
    .filter(
      ({ type, messageId = message.messageId }) => type !== 'unknown' && messageId === message.messageId,
    )
    .map((event) => ({ ...event, messageId: message.messageId }));

/** The credentials of HTTP Basic authentication (RFC 7617). */
export const basicAuthorization = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
