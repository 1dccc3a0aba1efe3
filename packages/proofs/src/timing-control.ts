import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { keyedHash } from '@reconfirm/core/keyed-hash';
import { Secret } from '@reconfirm/core/secret';
import { openDatabase } from '@reconfirm/db/database';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import type { HttpClient } from './http-client.ts';

export interface LeakingRoute extends AsyncDisposable {
  readonly port: number;
}

export interface LeakingRouteOptions {
  /** The API that gives the answers. */
  readonly target: HttpClient;
  readonly databaseUrl: string;
  readonly addressHashKey: string;
  /** How many rows are read more, one after the other, when there is an account. */
  readonly reads: number;
}

/**
 * The positive control: a route as others have it, which first asks the database whether the address has an
 * account, and only when it has reads more. Its answers are the API's own, so that these indexed SELECTs
 * are all that tells a known address.
 */
export const openLeakingRoute = async (options: LeakingRouteOptions): Promise<LeakingRoute> => {
  const { target, databaseUrl, addressHashKey, reads } = options;
  await using opened = new AsyncDisposableStack();
  const db = openDatabase({
    url: databaseUrl,
    poolMax: 1,
    timeoutMs: 5000,
    applicationName: 'timing-control',
    onIdleError: () => undefined,
  });
  opened.defer(() => db.destroy());
  const key = new Secret(addressHashKey);

  const lookUp = async (email: string): Promise<void> => {
    const emailKey = keyedHash(key, 'address', defaultOrganizationId, email);
    const account = await db
      .selectFrom('accounts')
      .select('id')
      .where('organization_id', '=', defaultOrganizationId)
      .where('email_key', '=', emailKey)
      .executeTakeFirst();
    if (account === undefined) return;
    for (let read = 0; read < reads; read += 1)
      await db.selectFrom('accounts').selectAll().where('id', '=', account.id).executeTakeFirst();
  };

  const server = createServer((request, response) => {
    const pass = async (): Promise<void> => {
      const body = (await json(request)) as { readonly email: string };
      await lookUp(body.email);
      const answer = await target.ask(request.method ?? 'POST', request.url ?? '/', {
        json: body,
        headers: { 'x-forwarded-for': String(request.headers['x-forwarded-for']) },
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    };
    pass().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.defer(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const stack = opened.move();
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
