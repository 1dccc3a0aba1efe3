import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

/** Between the processes and their Postgres: a way that can be long, or lose what has gone over it. */
export interface PostgresLink extends AsyncDisposable {
  /** The server's URL, by way of the link. */
  readonly url: string;
  /** From here on every chunk takes this long each way, in ms. */
  delay(eachWayMs: number): void;
  /**
   * Every connection that is open goes silent for ever and no end is told, as when the host of the server
   * is gone or a firewall forgets; new connections get through. Resolves to how many were open.
   */
  forgetOpenConnections(): number;
}

interface Pair {
  readonly sockets: readonly [Socket, Socket];
  isForgotten: boolean;
}

export const openPostgresLink = async (targetUrl: string): Promise<PostgresLink> => {
  const target = new URL(targetUrl);
  const pairs = new Set<Pair>();
  let delayMs = 0;

  const carry = (pair: Pair, from: Socket, to: Socket): void => {
    const waiting: { readonly chunk: Buffer; readonly dueAtMs: number }[] = [];
    const pass = (): void => {
      for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
        const waitMs = first.dueAtMs - performance.now();
        // Nothing overtakes what was said before, also when the way gets shorter.
        if (waitMs > 0) return void setTimeout(pass, Math.ceil(waitMs));
        waiting.shift();
        if (!pair.isForgotten && to.writable) to.write(first.chunk);
      }
    };
    from.on('data', (chunk: Buffer) => {
      waiting.push({ chunk, dueAtMs: performance.now() + delayMs });
      if (waiting.length === 1) pass();
    });
  };
  const listener = createServer((client) => {
    const server = createConnection(Number(target.port), target.hostname);
    const pair: Pair = { sockets: [client, server], isForgotten: false };
    pairs.add(pair);
    carry(pair, client, server);
    carry(pair, server, client);
    for (const socket of pair.sockets) {
      socket.on('error', () => undefined);
      socket.once('close', () => {
        // The end of a forgotten connection is told to nobody either.
        if (!pair.isForgotten) for (const other of pair.sockets) other.destroy();
        if (pair.sockets.every((other) => other.destroyed)) pairs.delete(pair);
      });
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);
  return {
    url: url.href,
    delay: (eachWayMs) => {
      delayMs = eachWayMs;
    },
    forgetOpenConnections: () => {
      const open = [...pairs].filter(({ isForgotten }) => !isForgotten);
      for (const pair of open) pair.isForgotten = true;
      return open.length;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(listener.close(), 'close');
      for (const { sockets } of pairs) for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
