import type { SmsFailure } from '@reconfirm/core/sms-failure';
import type { OutgoingSms } from '@reconfirm/core/sms-providers/provider';
import type { SmtpFailure } from '@reconfirm/core/smtp-reply';

/** A mailbox in a header. The two parts stay apart, so that neither can turn into the other. */
export interface Mailbox {
  readonly name: string;
  /** One addr-spec (RFC 5322, 3.4.1). */
  readonly address: string;
}

/** Where the bounces of one mail come back to, and what they call it. */
export interface BounceReturn {
  readonly address: string;
  /** ENVID (RFC 3461, 4.4), for servers that report deliveries: at most 100 characters of printable ASCII. */
  readonly envelopeId: string;
}

/** One mail, ready to be handed over: to one recipient, and with nothing left to decide. */
export interface OutgoingMail {
  /** Our id of the message. */
  readonly messageId: string;
  /** `<id@domain>`, the same in every attempt, so that a receiver can fold duplicates. */
  readonly messageIdHeader: string;
  readonly from: Mailbox;
  readonly replyTo?: Mailbox | undefined;
  /** Exactly one addr-spec. */
  readonly to: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  /** The envelope sender of this mail alone; without it bounces go to one address for all. */
  readonly bounce?: BounceReturn | undefined;
  /** Headers by which the provider finds our message id again, and its switches against tracking. */
  readonly providerHeaders: Readonly<Record<string, string>>;
}

/** Why a hand-over failed, in the classes of both channels. */
export type SendFailure = SmtpFailure | SmsFailure;

/** What became of one hand-over. `reply` is free of addresses, numbers, links, tokens and codes. */
export type SendResult =
  | { readonly kind: 'accepted'; readonly providerMessageId?: string; readonly reply: string }
  | { readonly kind: 'failed'; readonly failure: SendFailure; readonly reply: string };

/** A way to hand mail over. */
export interface Transport {
  readonly name: string;
  /**
   * Hands one mail over and says what became of it, before a deadline of its own and at once when
   * `signal` aborts. Rejects only for a fault of ours, such as a header that must not be set.
   */
  readonly send: (mail: OutgoingMail, signal: AbortSignal) => Promise<SendResult>;
  /** Lets hand-overs in progress finish, within a deadline, and closes every connection. */
  readonly close: () => Promise<void>;
}

/** A way to hand SMS over. */
export interface SmsTransport {
  readonly name: string;
  /** As for mail: says what became of it before a deadline of its own. */
  readonly send: (sms: OutgoingSms, signal: AbortSignal) => Promise<SendResult>;
  readonly close: () => Promise<void>;
}
