import type { OutgoingMail, SendResult, Transport } from './transport.ts';

/** Takes one line for the log, as fields. */
export type WriteLine = (line: Readonly<Record<string, unknown>>) => void;

/**
 * Accepts every mail at once and writes a line instead of sending it: for development and for
 * measuring everything but the provider. The line holds no address, no link and no subject, because
 * logs are read by more people than the mail is meant for.
 */
export const createLogTransport = (write: WriteLine): Transport => ({
  name: 'log',
  send: async (mail) => {
    write(describeMail(mail));
    return accepted;
  },
  close: async () => {},
});

const accepted: SendResult = { kind: 'accepted', reply: 'logged, not sent' };

const describeMail = (mail: OutgoingMail): Readonly<Record<string, unknown>> => ({
  messageId: mail.messageId,
  htmlSizeBytes: Buffer.byteLength(mail.html),
  textSizeBytes: Buffer.byteLength(mail.text),
  providerHeaders: Object.keys(mail.providerHeaders),
});
