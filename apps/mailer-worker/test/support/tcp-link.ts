import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP way to a server that a test can cut and mend, or a port that never says a word. */
export interface TcpLink extends AsyncDisposable {
  readonly port: number;
  /** Ends every connection and refuses new ones. */
  cut(): void;
  /** Lets new connections through again. */
  mend(): void;
}

/** Opens a link to `host:port`; without a target it takes connections and never answers. */
export const openTcpLink = async (target?: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpLink> => {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    keep(client);
    if (isCut) return void client.destroy();
    if (target === undefined) return void client.resume();
    const upstream = keep(connect(target.port, target.host));
    client.pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
      endAll();
    },
    mend: () => {
      isCut = false;
    },
    [Symbol.asyncDispose]: async () => {
      endAll();
      server.close();
      await once(server, 'close');
    },
  };
};

/** The same URL with another host and port: to lead a client over a link. */
export const through = (url: string, link: TcpLink): string => {
  const led = new URL(url);
  led.hostname = '127.0.0.1';
  led.port = String(link.port);
  return led.href;
};

/** Where a URL leads. */
export const targetOf = (url: string): { readonly host: string; readonly port: number } => {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
};
