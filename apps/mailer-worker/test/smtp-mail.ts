import { createSmtpTransport, type SmtpTransportOptions } from '../src/transports/smtp.ts';
import type { OutgoingMail, Transport } from '../src/transports/transport.ts';

/** A mail with every field in use. */
export const exampleMail = (changes: Partial<OutgoingMail> = {}): OutgoingMail => ({
  messageId: '0199a1b2-0000-7000-8000-000000000001',
  messageIdHeader: '<0199a1b2-0000-7000-8000-000000000001@mail.example.com>',
  from: { name: 'Reconfirm', address: 'no-reply@mail.example.com' },
  replyTo: { name: '', address: 'help@example.com' },
  to: 'reader@example.org',
  subject: 'Confirma tu dirección',
  html: '<p>Hola <a href="https://app.example.com/v?token=abc">ñ</a></p>',
  text: 'Hola: https://app.example.com/v?token=abc\n',
  providerHeaders: {},
  ...changes,
});

/** A transport to a server of this test, closed with its scope. */
export const openTransport = (
  options: Partial<SmtpTransportOptions> & { url: string },
): Transport & AsyncDisposable => {
  const transport = createSmtpTransport({ tls: 'off', closeTimeoutMs: 100, ...options });
  return { ...transport, [Symbol.asyncDispose]: transport.close };
};

/** A signal that never aborts. */
export const never = (): AbortSignal => new AbortController().signal;
