import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpGate extends AsyncDisposable {
  /** The target's URL, by way of the gate. */
  readonly url: string;
  /** Resolves when a client has said the text to wait for; from then on nothing that clients say gets through. */
  readonly shut: Promise<void>;
  /** Resets every connection and refuses new ones, as a server that died does. */
  cut(): Promise<void>;
}

/**
 * Stands between a client and a store. With `shutAt` it lets everything pass until a client says that
 * text, and holds back the bytes that complete it and all that follow: a statement that carries the
 * text is known to have been made, and known not to have been executed.
 */
export const openGate = async (
  targetUrl: string,
  options: { readonly shutAt?: string } = {},
): Promise<TcpGate> => {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const { promise: shut, resolve: shutNow } = Promise.withResolvers<void>();
  let isShut = false;

  const pass = (client: Socket): void => {
    const server = createConnection(Number(target.port), target.hostname);
    const pair = [client, server];
    for (const socket of pair) {
      sockets.add(socket);
      // Either end may break at any time; the other follows.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        for (const other of pair) other.destroy();
      });
    }
    server.pipe(client);
    let before = '';
    client.on('data', (chunk: Buffer) => {
      const said = before + chunk.toString('latin1');
      if (options.shutAt !== undefined && said.includes(options.shutAt)) {
        isShut = true;
        shutNow();
      }
      before = said.slice(-(options.shutAt?.length ?? 0));
      if (!isShut) server.write(chunk);
    });
  };

  const listener = createServer(pass);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);

  let closed: Promise<unknown> | undefined;
  const cut = async (): Promise<void> => {
    closed ??= once(listener.close(), 'close');
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  };
  return { url: url.href, shut, cut, [Symbol.asyncDispose]: cut };
};
