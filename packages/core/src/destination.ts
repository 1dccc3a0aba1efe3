/** What carries a message to a person. */
export type Channel = 'email' | 'sms';

/** Where a message can be sent. */
export interface Destination {
  readonly channel: Channel;
  /** What goes on the wire: an address as given, with the domain in its ASCII form, or a number in E.164. */
  readonly address: string;
  /** Equal for two spellings of one account. */
  readonly lookupForm: string;
  /** Equal for all spellings that end in one mailbox or phone, so that variants share one limit. */
  readonly limitForm: string;
}
