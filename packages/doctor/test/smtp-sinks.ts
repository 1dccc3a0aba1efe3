import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface Sink extends AsyncDisposable {
  readonly port: number;
  /** Logins and recipients as they were offered, and mails that came: there must be none. */
  readonly seen: string[];
}

/** A real SMTP server that writes down what it is asked. */
export const startSmtp = async (options: SMTPServerOptions = {}): Promise<Sink> => {
  const seen: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.key === undefined ? ['STARTTLS'] : [],
    onAuth: ({ username, password }, _session, done) => {
      seen.push(`AUTH ${username}`);
      if (password === 'right-password') done(null, { user: username });
      else done(new Error(`535 5.7.8 no ${username} with ${password ?? ''}`));
    },
    onRcptTo: ({ address }, session, done) => {
      const { mailFrom } = session.envelope;
      seen.push(`RCPT ${address} FROM ${mailFrom === false ? '' : mailFrom.address}`);
      if (address.startsWith('nobody'))
        done(Object.assign(new Error('5.1.1 no such mailbox'), { responseCode: 550 }));
      else if (address.startsWith('blocked'))
        done(Object.assign(new Error('5.7.1 you are on a list'), { responseCode: 550 }));
      else done();
    },
    onData: (stream, _session, done) => {
      seen.push('DATA');
      stream.resume();
      stream.on('end', () => done());
    },
    ...options,
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    seen,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
};

/** A server that does with each connection what a test says. */
export const startRaw = async (serve: (socket: Socket) => void): Promise<Sink> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen: [],
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
