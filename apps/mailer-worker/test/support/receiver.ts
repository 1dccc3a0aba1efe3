import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly atMs: number;
}

/** What a receiver answers: a status, a status with an address or a body, or nothing at all. */
export type Reply =
  | number
  | { readonly status: number; readonly location?: string; readonly body?: string }
  | 'silence';

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every request that arrived whole. */
  readonly received: readonly Received[];
  /** What it answers from now on. */
  answer(reply: (nth: number) => Reply): void;
}

/** A host application that takes events, on a port of its own. */
export const startReceiver = async (first: (nth: number) => Reply = () => 204): Promise<Receiver> => {
  const received: Received[] = [];
  let reply = first;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        atMs: performance.now(),
      });
      const given = reply(received.length);
      if (given === 'silence') return;
      const answer = typeof given === 'number' ? { status: given } : given;
      response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    port,
    received,
    answer: (next) => {
      reply = next;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
