import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** One mail as a real server took it: who it went to, and what a mail program reads in it. */
export interface ReceivedMail {
  readonly from: string;
  readonly recipients: readonly string[];
  readonly secure: boolean;
  readonly email: Email;
}

export interface Inbox extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  readonly header: (index: number, name: string) => string | undefined;
}

/** A real SMTP server that keeps what it gets, parsed. `onKept`: between that and its reply. */
export const startInbox = async (
  options: SMTPServerOptions = {},
  onKept: () => void = () => {},
): Promise<Inbox> => {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.key === undefined ? ['STARTTLS'] : [],
    ...options,
    onData: (stream, session, callback) => {
      const keep = async (): Promise<void> => {
        const email = await PostalMime.parse(Buffer.concat(await stream.toArray()));
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          recipients: rcptTo.map(({ address }) => address),
          secure: session.secure,
          email,
        });
        onKept();
      };
      // oxlint-disable-next-line promise/prefer-await-to-callbacks, promise/no-callback-in-promise -- smtp-server takes a callback
      keep().then(() => callback(null, '2.0.0 queued'), callback);
    },
  });
  // Clients that cut off are part of the tests.
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    mails,
    header: (index, name) => mails[index]?.email.headers.find(({ key }) => key === name)?.value,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
