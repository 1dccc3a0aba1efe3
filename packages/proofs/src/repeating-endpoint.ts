import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RepeatingEndpoint extends AsyncDisposable {
  readonly url: string;
}

/** An application that takes no event and answers each with an error that repeats all of it. */
export const startRepeatingEndpoint = async (): Promise<RepeatingEndpoint> => {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response.writeHead(500);
      response.end(`not taken: ${body} ${JSON.stringify(request.headers)}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
