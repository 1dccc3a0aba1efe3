import type { DeliveryEvent } from '../delivery-event.ts';
import type { Secret } from '../secret.ts';
import type { ProviderLookUp } from './look-up.ts';

/** What a provider offers that the rest of the service may use; false: do without it. */
export interface ProviderCapabilities {
  /** It refuses or folds a second hand-over that carries the same key. */
  readonly idempotencyKey: boolean;
  /** It can be asked what became of a message: `lookUp` is there. */
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
  /** Who connected, behind the trusted proxies. */
  readonly clientAddress: string;
  readonly now: Date;
  /** What an earlier verdict asked for: the certificate (PEM) at that URL. */
  readonly certificate?: { readonly url: string; readonly pem: string };
}

export interface WebhookSettings {
  /** Several while a key is being replaced; an empty key never matches anything. */
  readonly signingKeys: readonly Secret[];
  /** How old a signed time may be and still count as fresh, in seconds. */
  readonly maxAgeSeconds: number;
  /** How far a signed time may lie in the future, in seconds. */
  readonly maxFutureSeconds: number;
  /** What becomes of a well signed report that is older: taken when its id is new, or refused as `stale`. */
  readonly late: 'store' | 'refuse';
  /** Addresses and CIDR ranges that may call, where a provider signs nothing; missing or empty: all. */
  readonly allowedAddresses?: readonly string[];
  /** Of Amazon SNS: whose messages count, and whether SignatureVersion 1 (SHA-1) does too. */
  readonly sns?: { readonly topicArns: readonly string[]; readonly allowsSha1: boolean };
}

/**
 * Why a webhook is refused. `no_key`: this installation has no signing key. `malformed`: the body is
 * not what the provider sends. `missing`: it carries no signature. `mismatch`: signed with another key
 * or not at all. `stale`: well signed, but too old or too far in the future. `address`: from an address
 * that is not on the list. `topic`: of a topic that is not ours.
 */
export type WebhookRefusal = 'missing' | 'stale' | 'mismatch' | 'no_key' | 'malformed' | 'address' | 'topic';

export interface AcceptedWebhook {
  readonly ok: true;
  /**
   * SHA-256 of what the provider signs once only: seen twice, the request is a retry or a replay. Missing
   * where the signature covers the body or there is none; then the ids of the events alone tell.
   */
  readonly replayKey?: Buffer;
  /** SHA-256 of the raw body: the same replay key over another body is a forgery. */
  readonly bodyHash: Buffer;
  /** The decoded body, for `parse`. */
  readonly body: unknown;
  /** Older than `maxAgeSeconds`. */
  readonly late: boolean;
  /** A subscription of our own that the provider wants confirmed by a GET of this URL. */
  readonly confirmUrl?: string;
}

export interface RefusedWebhook {
  readonly ok: false;
  readonly reason: WebhookRefusal;
}

export type WebhookVerdict =
  | AcceptedWebhook
  | RefusedWebhook
  /** Cannot be judged yet: ask again with `request.certificate`. The URL is one of the provider's own. */
  | { readonly ok: false; readonly reason: 'needs_certificate'; readonly certificateUrl: string };

export interface ProviderWebhook {
  /** Where reports come in, below PUBLIC_URL. */
  readonly path: string;
  /** The largest body that the provider sends; 256 KiB where it names none. */
  readonly bodySizeBytesMax?: number;
  /** The status that ends the provider's retries, for a request that none of them can mend. */
  readonly finalRefusalStatus?: number;
  /** Judges a request. Takes any bytes and never throws; compares in constant time. */
  readonly verify: (request: WebhookRequest, settings: WebhookSettings) => WebhookVerdict;
  /** The reports in a verified body; empty when it concerns no message. Never throws, names no address. */
  readonly parse: (body: unknown) => readonly DeliveryEvent[];
}

/** What an operator may say about the headers of a mail; each provider uses what it knows. */
export interface HeaderOptions {
  /** Amazon SES: the configuration set that publishes events. */
  readonly configurationSet?: string | undefined;
  /** Postmark: the message stream. */
  readonly messageStream?: string | undefined;
}

/** The provider's own SMTP server, so that a user name and a password are enough. */
export interface SmtpServer {
  /** A host name; `{region}` stands for the region of the account. */
  readonly host: string;
  /** STARTTLS is demanded there. */
  readonly port: number;
  /** Where it is the same for every customer. */
  readonly user?: string;
  /** The password is the user name as well. */
  readonly userIsPassword?: true;
}

/** One carrier of mail: everything that differs between providers, as data and pure functions. */
export interface Provider {
  readonly name: string;
  /** Which transport hands the mail over; `none` makes tokens and sends nothing. */
  readonly carriesMail: 'smtp' | 'log' | 'none';
  readonly smtpServer?: SmtpServer;
  readonly capabilities: ProviderCapabilities;
  /** Headers that switch tracking off and let the provider report our message id back. */
  readonly metadataHeaders: (messageId: string, options: HeaderOptions) => Readonly<Record<string, string>>;
  /** An attribute of `<a>` by which the provider leaves one link as it is, where it has one. */
  readonly untrackedLink?: string;
  /** Missing where the provider reports nothing. */
  readonly webhook?: ProviderWebhook;
  /** There exactly when `capabilities.lookup` is true. */
  readonly lookUp?: ProviderLookUp;
}
