import type { ProviderLookUp } from '../providers/look-up.ts';
import type { ProviderCapabilities, ProviderWebhook } from '../providers/provider.ts';
import type { Secret } from '../secret.ts';
import type { SmsFailure } from '../sms-failure.ts';

/** One SMS, ready to be handed over. */
export interface OutgoingSms {
  /** Our id of the message: the key by which a repetition and a report are known. */
  readonly messageId: string;
  /** E.164. */
  readonly to: string;
  readonly text: string;
}

/** All that reaching an SMS provider over HTTP needs; each provider uses what it has. */
export interface SmsSettings {
  /** Where the provider's API is, without a trailing slash. */
  readonly apiUrl: string;
  /** Who we are at the provider, where it has such a name. */
  readonly accountId: string;
  readonly secret: Secret | undefined;
  /** A number, an alphanumeric sender or a pool of senders. */
  readonly from: string;
  /** Origin at which the provider reaches our API with its reports. */
  readonly publicUrl: string;
}

/** A request as it goes out. Its headers hold credentials and its body a number and a code: never logged. */
export interface SmsHttpRequest {
  readonly method: 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came back: the status line, the headers that matter, and at most the first bytes of the body. */
export interface SmsHttpAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** What an error code of a provider means. */
export type SmsFailureKindAndCode = Pick<SmsFailure, 'kind' | 'code'>;

export type SmsVerdict =
  | { readonly kind: 'accepted'; readonly providerMessageId?: string }
  | { readonly kind: 'failed'; readonly failure: SmsFailure; readonly word?: string };

/** How a provider is reached over HTTP, as pure functions. */
export interface SmsOverHttp {
  /** What is missing or wrong in the settings, as sentences that name them. */
  readonly problems: (settings: SmsSettings) => readonly string[];
  readonly buildRequest: (sms: OutgoingSms, settings: SmsSettings) => SmsHttpRequest;
  /** Judges an answer. Takes anything and never throws; names no number. */
  readonly readAnswer: (answer: SmsHttpAnswer) => SmsVerdict;
}

/** One carrier of SMS: everything that differs between providers, as data and pure functions. */
export interface SmsProvider {
  readonly name: string;
  /** How messages are handed over; `none` makes codes and sends nothing. */
  readonly carriesSms: 'http' | 'log' | 'none';
  readonly capabilities: ProviderCapabilities;
  /** There exactly when `carriesSms` is `http`. */
  readonly http?: SmsOverHttp;
  /** Where its reports come in, and how they are read. */
  readonly webhook?: ProviderWebhook;
  /** There exactly when `capabilities.lookup` is true. */
  readonly lookUp?: ProviderLookUp;
}
