import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Form = Readonly<Record<string, string>>;

export interface SiteverifyServer extends AsyncDisposable {
  readonly url: string;
  /** Every question that was asked, in order. */
  readonly asked: readonly Form[];
}

/** A siteverify server that accepts each answer once, as the providers do, unless `respond` says otherwise. */
export const startSiteverify = async (
  respond?: (
    form: Form,
  ) => { readonly status?: number; readonly body?: string; readonly location?: string } | 'silence',
): Promise<SiteverifyServer> => {
  const asked: Form[] = [];
  const used = new Map<string, string>();
  const accept = (form: Form): object => {
    const [answer = '', by = ''] = [form['response'], form['idempotency_key']];
    const usedBy = used.get(answer);
    if (usedBy !== undefined && usedBy !== by)
      return { success: false, 'error-codes': ['timeout-or-duplicate'] };
    used.set(answer, by);
    return {
      success: true,
      hostname: 'app.example.com',
      // An answer names its action after a colon, as the widget was told it.
      action: answer.split(':')[1] ?? 'resend',
      challenge_ts: new Date().toISOString(),
    };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      asked.push(form);
      const given = respond?.(form);
      if (given === 'silence') return;
      response.writeHead(given?.status ?? 200, {
        'content-type': 'application/json',
        connection: 'close',
        ...(given?.location === undefined ? {} : { location: given.location }),
      });
      response.end(given?.body ?? JSON.stringify(accept(form)));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/siteverify`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
