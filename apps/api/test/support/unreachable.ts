import { createServer, type Socket } from 'node:net';

/** A server on 127.0.0.1 that takes connections and never says a word. */
export interface SilentServer extends AsyncDisposable {
  readonly port: number;
}

export const startSilentServer = async (): Promise<SilentServer> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

/** A port of 127.0.0.1 on which nobody listens. */
export const closedPort = async (): Promise<number> => {
  await using server = await startSilentServer();
  return server.port;
};
