import type { DeliveryEvent } from '../delivery-event.ts';
import type { Secret } from '../secret.ts';

/** What a provider offers that the rest of the service may use; false: do without it. */
export interface ProviderCapabilities {
  /** It refuses or folds a second hand-over that carries the same key. */
  readonly idempotencyKey: boolean;
  /** It can be asked what became of a message. */
  readonly lookup: boolean;
  /** It carries our message id and reports it back, apart from the Message-ID. */
  readonly customId: boolean;
}

/** A webhook request as it came in; `now` is the receiving host's clock. */
export interface WebhookRequest {
  /** Exactly the bytes that arrived: a signature may cover them, and equal bodies are told by them. */
  readonly rawBody: Uint8Array;
  readonly contentType: string;
  /** Lower-case names, as Node gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The URL that the provider called: PUBLIC_URL with the path and query as they came in, never a Host header. */
  readonly url: string;
  readonly now: Date;
}

export interface WebhookSettings {
  /** Several while a key is being replaced; an empty key never matches anything. */
  readonly signingKeys: readonly Secret[];
  /** How far a signed time may lie from `now`, either way, in seconds. */
  readonly maxAgeSeconds: number;
}

/**
 * Why a webhook is refused. `no_key`: this installation has no signing key. `malformed`: the body is
 * not what the provider sends. `missing`: it carries no signature. `mismatch`: signed with another key
 * or not at all. `stale`: well signed, but too old or too far in the future.
 */
export type WebhookRefusal = 'missing' | 'stale' | 'mismatch' | 'no_key' | 'malformed';

export type WebhookVerdict =
  | {
      readonly ok: true;
      /** SHA-256 of what the provider signs once only: seen twice, the request is a retry or a replay. */
      readonly replayKey: Buffer;
      /** SHA-256 of the raw body: the same replay key over another body is a forgery. */
      readonly bodyHash: Buffer;
      /** The decoded body, for `parse`. */
      readonly body: unknown;
    }
  | { readonly ok: false; readonly reason: WebhookRefusal };

export interface ProviderWebhook {
  /** Judges a request. Takes any bytes and never throws; compares in constant time. */
  readonly verify: (request: WebhookRequest, settings: WebhookSettings) => WebhookVerdict;
  /** The reports in a verified body; empty when it concerns no message. Never throws, names no address. */
  readonly parse: (body: unknown) => readonly DeliveryEvent[];
}

/** One carrier of mail: everything that differs between providers, as data and pure functions. */
export interface Provider {
  readonly name: string;
  /** Which transport hands the mail over; `none` makes tokens and sends nothing. */
  readonly carriesMail: 'smtp' | 'log' | 'none';
  readonly capabilities: ProviderCapabilities;
  /** Headers that switch tracking off and let the provider report our message id back. */
  readonly metadataHeaders: (messageId: string) => Readonly<Record<string, string>>;
  /** Missing where the provider reports nothing. */
  readonly webhook?: ProviderWebhook;
}
