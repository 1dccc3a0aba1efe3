import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** `open`: as if it were not there. `silent`: takes connections and bytes and never answers. `closed`: refuses connections. */
export type RedisProxyMode = 'open' | 'silent' | 'closed';

export type RedisProxy = {
  /** The same Redis by way of the proxy. */
  readonly url: string;
  /** Changes how Redis looks from here on; resolves when it does. Connections of another mode are cut. */
  become(mode: RedisProxyMode): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Stands between a test and a Redis that others use too, so that the test can take its Redis away. */
export const startRedisProxy = async (
  redisUrl: string,
  first: RedisProxyMode = 'open',
): Promise<RedisProxy> => {
  const target = new URL(redisUrl);
  const sockets = new Set<Socket>();
  let mode: RedisProxyMode = first;

  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    track(client);
    const upstream = track(connect(Number(target.port || 6379), target.hostname));
    client.on('data', (bytes) => mode === 'open' && upstream.write(bytes));
    upstream.on('data', (bytes) => mode === 'open' && client.write(bytes));
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The kernel gave no port');
    return address.port;
  };
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  const port = await listen(0);
  if (first === 'closed') await close();
  const url = new URL(redisUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    become: async (next) => {
      if (next === mode) return;
      const wasListening = mode !== 'closed';
      // A connection that goes silent stays; any other change would leave it with half an answer.
      if (next !== 'silent') for (const socket of sockets) socket.destroy();
      mode = next;
      if (wasListening && next === 'closed') await close();
      if (!wasListening) await listen(port);
    },
    [Symbol.asyncDispose]: async () => {
      if (mode !== 'closed') await close();
      mode = 'closed';
    },
  };
};
