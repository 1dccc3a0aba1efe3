/** Where nobody answered: it says nothing about our set-up, and the message certainly was not taken. */
const unreachableCodes: ReadonlySet<string> = new Set([
  'dns',
  'connect',
  'timeout',
  'connection_lost',
] as const);

/**
 * Failures for now that are the provider's and not the recipient's: another provider may take the message at
 * once. A greylisted or full mailbox says the same to everybody.
 */
const ofProviderForNow: ReadonlySet<string> = new Set([
  ...unreachableCodes,
  'tls',
  'auth',
  'greeting',
  'throttled',
  'quota',
  'protocol',
  'relay_refused',
  'sender_refused',
] as const);

/** What is known of a failed hand-over: its class and its code (`SmtpFailure`, `SmsFailure`). */
interface Failure {
  readonly kind: 'permanent' | 'transient' | 'ambiguous' | 'misconfigured';
  readonly code: string;
}

/** The provider did not answer at all, as far as this hand-over goes. */
export const isUnreachable = ({ kind, code }: Failure): boolean =>
  kind === 'transient' && unreachableCodes.has(code);

/** It is our sender that it will not carry: of an installation that sends for several, perhaps of one only. */
export const refusesSender = ({ kind, code }: Failure): boolean =>
  kind === 'misconfigured' && code === 'sender_refused';

/**
 * Whether another provider may be tried at once: this one certainly did not take the message, and that is
 * neither the recipient's fault nor the message's. What may have been taken goes nowhere else.
 */
export const mayTryNext = ({ kind, code }: Failure): boolean =>
  kind === 'misconfigured' || (kind === 'transient' && ofProviderForNow.has(code));
