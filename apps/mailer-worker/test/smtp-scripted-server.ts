import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

/** What one connection of the scripted server sees and can do. */
export interface Dialogue {
  readonly socket: Socket;
  /** The number of this connection, from 1. */
  readonly connection: number;
  /** Resolves with the next line of the client, without its line end; rejects when it is gone. */
  readonly readLine: () => Promise<string>;
  /** Reads to the lone dot and resolves with the message. */
  readonly readMessage: () => Promise<string>;
  readonly write: (text: string) => void;
  /** Reads a command and answers it, one line of each. */
  readonly answer: (expected: string, reply: string) => Promise<void>;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly connections: () => number;
  /** Every line that any client has sent, in order. */
  readonly lines: readonly string[];
}

/** A TCP server that speaks exactly what a test tells it to, byte for byte. */
export const startScriptedServer = async (
  script: (dialogue: Dialogue) => Promise<void>,
): Promise<ScriptedServer> => {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    connections += 1;
    // A client that is cut off, or cuts off, is what these tests are about.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    void script(openDialogue(socket, connections, lines)).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    connections: () => connections,
    lines,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const openDialogue = (socket: Socket, connection: number, lines: string[]): Dialogue => {
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  const received: string[] = [];
  let rest = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\r\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      const reader = waiting.shift();
      if (reader === undefined) received.push(line);
      else reader.resolve(line);
    }
  });
  socket.on('close', () => {
    for (const reader of waiting.splice(0)) reader.reject(new Error('the client is gone'));
  });
  const readLine = (): Promise<string> => {
    const line = received.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (socket.destroyed) return Promise.reject(new Error('the client is gone'));
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  const write = (text: string): void => void socket.write(`${text}\r\n`);
  const readMessage = async (): Promise<string> => {
    const body: string[] = [];
    for (let line = await readLine(); line !== '.'; line = await readLine()) body.push(line);
    return body.join('\n');
  };
  const answer = async (expected: string, reply: string): Promise<void> => {
    const line = await readLine();
    if (!line.toUpperCase().startsWith(expected)) throw new Error(`expected ${expected}, got ${line}`);
    write(reply);
  };
  return { socket, connection, readLine, readMessage, write, answer };
};

/** Greeting and EHLO without any extension. */
export const greet = async ({ write, answer }: Dialogue): Promise<void> => {
  write('220 scripted ready');
  await answer('EHLO', '250 scripted');
};

/** MAIL, RCPT and DATA accepted, up to the 354. */
export const takeEnvelope = async ({ answer }: Dialogue): Promise<void> => {
  await answer('MAIL FROM', '250 2.1.0 ok');
  await answer('RCPT TO', '250 2.1.5 ok');
  await answer('DATA', '354 go on');
};

/** One message from MAIL to the final 250. */
export const takeMessage = async (dialogue: Dialogue): Promise<string> => {
  await takeEnvelope(dialogue);
  const message = await dialogue.readMessage();
  dialogue.write('250 2.0.0 queued');
  return message;
};
