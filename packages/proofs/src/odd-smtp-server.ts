import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * What a server does with a mail: takes it, or one of the faults by which providers differ. `drop_before_data`
 * and `drop_after_dot` reset the connection; `trickle_after_dot` says a line of its answer now and then, for ever.
 */
export type OddWay =
  | 'take'
  | 'greylist'
  | 'refuse'
  | 'drop_before_data'
  | 'drop_after_dot'
  | 'trickle_after_dot';

export interface OddSmtpServer extends AsyncDisposable {
  readonly url: string;
  /** Whole mails by recipient, in order, also those for which it had no good answer. */
  mailsTo(recipient: string): readonly string[];
  /** Greets with 554 from now on, as a provider that has blocked us does; undefined: no more. */
  greetWith(refusal: string | undefined): void;
  /** From now on every mail is taken. */
  behave(): void;
}

const TRICKLE_EVERY_MS = 100;

/** An SMTP server that treats each mail by its recipient. */
export const startOddSmtpServer = async (wayOf: (recipient: string) => OddWay): Promise<OddSmtpServer> => {
  const mails = new Map<string, string[]>();
  const sockets = new Set<Socket>();
  let way = wayOf;
  let greeting: string | undefined;

  const afterDot = (socket: Socket, to: string, mail: string): void => {
    mails.set(to, [...(mails.get(to) ?? []), mail]);
    if (way(to) === 'drop_after_dot') return void socket.resetAndDestroy();
    if (way(to) !== 'trickle_after_dot') return void socket.write('250 2.0.0 kept\r\n');
    const drip = setInterval(() => socket.write('250-2.0.0 wait\r\n'), TRICKLE_EVERY_MS);
    socket.once('close', () => clearInterval(drip));
  };
  const serve = (socket: Socket): void => {
    let to = '';
    let rest = '';
    let isInData = false;
    const command = (line: string): void => {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'RCPT') to = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (verb === 'RCPT' && way(to) === 'greylist') return void socket.write('450 4.7.1 greylisted\r\n');
      if (verb === 'RCPT' && way(to) === 'refuse') return void socket.write('550 5.1.1 no such user\r\n');
      if (verb === 'DATA' && way(to) === 'drop_before_data') return void socket.resetAndDestroy();
      isInData = verb === 'DATA';
      socket.write(isInData ? '354 go on\r\n' : '250 2.0.0 ok\r\n');
    };
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      rest += chunk;
      for (;;) {
        const mark = isInData ? '\r\n.\r\n' : '\r\n';
        const end = rest.indexOf(mark);
        if (end < 0) return;
        const said = rest.slice(0, end);
        rest = rest.slice(end + mark.length);
        if (!isInData) command(said);
        else {
          isInData = false;
          afterDot(socket, to, said);
        }
      }
    });
    socket.write('220 odd ready\r\n');
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    // A client that is cut off, or cuts off, is what this is about.
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    if (greeting === undefined) serve(socket);
    else socket.end(`${greeting}\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mailsTo: (recipient) => mails.get(recipient) ?? [],
    greetWith: (refusal) => {
      greeting = refusal;
    },
    behave: () => {
      way = () => 'take';
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
