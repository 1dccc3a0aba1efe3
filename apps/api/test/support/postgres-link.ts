import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a Postgres that a test can break in the ways that a network breaks. */
export interface PostgresLink extends AsyncDisposable {
  /** The database's URL, led over this link. */
  readonly url: string;
  /** The next statement that holds this text is carried out, and its connection ends before the answer comes. */
  loseAnswerTo(text: string): void;
  /** From now on nothing is forwarded, and no connection ends: a server that hangs. */
  hang(): void;
  /** How many times a client has spoken since it hangs. */
  readonly swallowed: () => number;
}

export const openPostgresLink = async (databaseUrl: string): Promise<PostgresLink> => {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let lostText: string | undefined;
  let hangs = false;
  let swallowed = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    const upstream = keep(connect(Number(target.port), target.hostname));
    let isLost = false;
    client.on('data', (bytes) => {
      if (hangs) {
        swallowed += 1;
        return;
      }
      if (lostText !== undefined && bytes.includes(lostText)) {
        isLost = true;
        lostText = undefined;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (hangs) return;
      // The server has answered, so the statement is carried out; the client never hears of it.
      if (isLost) client.destroy();
      else client.write(bytes);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const led = new URL(databaseUrl);
  led.hostname = '127.0.0.1';
  led.port = String((server.address() as AddressInfo).port);
  return {
    url: led.href,
    loseAnswerTo: (text) => {
      lostText = text;
    },
    hang: () => {
      hangs = true;
    },
    swallowed: () => swallowed,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
