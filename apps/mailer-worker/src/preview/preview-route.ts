import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Secret } from '@reconfirm/core/secret';
import { bearerToken, isSameSecret } from '@reconfirm/process/bearer-token';
import { type Preview, previewProblem, type PreviewRequest } from './preview-message.ts';

export interface PreviewRouteOptions {
  readonly adminKey: Secret | undefined;
  /** Null for an organization that there is none of. */
  readonly preview: (
    request: PreviewRequest & { readonly organization: string | undefined },
  ) => Promise<Preview | null>;
}

/** Shown in a browser it runs no script and loads nothing but the logo. */
const harmless = {
  'content-security-policy':
    "default-src 'none'; img-src https:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/**
 * GET /preview?purpose=&locale=&organization=&theme=&part=html|text, for whoever shows the operator's key. Without
 * `part` everything as JSON.
 */
export const previewRoute =
  ({ adminKey, preview }: PreviewRouteOptions) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const given = bearerToken(request.headers.authorization);
    if (adminKey === undefined || given === undefined || !isSameSecret(given, adminKey)) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
      return;
    }
    const { searchParams } = new URL(request.url ?? '/', 'http://worker.invalid');
    const asked = (name: string): string | undefined => searchParams.get(name) ?? undefined;
    const wanted = { purpose: asked('purpose') ?? '', locale: asked('locale'), theme: asked('theme') };
    const problem = previewProblem(wanted);
    if (problem !== null) return tell(response, 400, 'application/json', JSON.stringify({ problem }));
    const made = await preview({ ...wanted, organization: asked('organization') });
    if (made === null) response.writeHead(404).end();
    else if (asked('part') === 'html' && made.channel === 'email')
      tell(response, 200, 'text/html; charset=utf-8', made.html);
    else if (asked('part') === 'text') tell(response, 200, 'text/plain; charset=utf-8', made.text);
    else tell(response, 200, 'application/json', JSON.stringify(made));
  };

const tell = (response: ServerResponse, status: number, type: string, body: string): void => {
  response.writeHead(status, { ...harmless, 'content-type': type }).end(body);
};
