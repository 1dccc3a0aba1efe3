import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from '@prometheus-io/client';

/** One reason why the process is not ready, or not alive. */
export type Problems = () => Promise<readonly string[]>;

export interface OpsServer {
  readonly port: number;
  close(): Promise<void>;
}

export type OpsRoute = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * The worker's only listener: /livez (restart it when this fails), /readyz (do not count on it now)
 * and /metrics (Prometheus text), and what is given besides. Rejects when the port is taken.
 */
export const startOpsServer = async (options: {
  readonly host: string;
  readonly port: number;
  readonly live: Problems;
  readonly ready: Problems;
  /** What an operator should know although the process is ready. */
  readonly warnings?: () => readonly string[];
  readonly registry: Registry;
  /** Further routes by their path. */
  readonly more?: Readonly<Record<string, OpsRoute>>;
}): Promise<OpsServer> => {
  const routes: Record<string, OpsRoute> = {
    ...options.more,
    '/livez': (_request, response) => tellProblems(response, options.live),
    '/readyz': (_request, response) => tellProblems(response, options.ready, options.warnings?.()),
    '/metrics': async (_request, response) => {
      const text = await options.registry.metrics();
      response.writeHead(200, { 'content-type': options.registry.contentType }).end(text);
    },
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) response.writeHead(404).end();
    else await route(request, response);
  };
  const server = createServer({ requestTimeout: 5000, keepAliveTimeout: 5000 }, (request, response) => {
    handle(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const tellProblems = async (
  response: ServerResponse,
  find: Problems,
  warnings: readonly string[] = [],
): Promise<void> => {
  const problems = await find();
  const body = JSON.stringify({
    status: problems.length === 0 ? 'ok' : 'not ok',
    problems,
    ...(warnings.length > 0 && { warnings }),
  });
  response.writeHead(problems.length === 0 ? 200 : 503, { 'content-type': 'application/json' }).end(body);
};
