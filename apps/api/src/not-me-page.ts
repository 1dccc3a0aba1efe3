import type { FastifyPluginAsync } from 'fastify';
import { hashToken, tokenPattern } from '@reconfirm/core/token';
import type { PageLocale } from './language.ts';
import { problemPage } from './pages/confirmation-page.ts';
import { disownedPage, notMePage } from './pages/not-me-page.ts';
import { sendPage } from './send-page.ts';

export interface NotMeDependencies {
  readonly brand: string;
  readonly negotiate: (acceptLanguage: string | undefined) => PageLocale;
  readonly disown: (tokenHash: Uint8Array) => Promise<boolean>;
}

const path = '/v1/not-me';
const tokenShape = new RegExp(tokenPattern);

/**
 * Where "this was not me" of a mail leads: a page that changes nothing, and a button that ends the link and
 * the code. What it answers does not tell whether there was still something to end.
 */
export const notMeRoutes =
  (deps: NotMeDependencies): FastifyPluginAsync =>
  async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      (_request, body, done) => {
        done(null, Object.fromEntries(new URLSearchParams(body as string)));
      },
    );
    const hidden = { schema: { hide: true } };
    const frameOf = (header: string | undefined) => ({ brand: deps.brand, locale: deps.negotiate(header) });

    app.get<{ Querystring: { token?: unknown } }>(path, hidden, async (request, reply) => {
      const frame = frameOf(request.headers['accept-language']);
      const token = readToken(request.query.token);
      reply.header('cache-control', 'no-store');
      if (token === null) return sendPage(reply, 400, (nonce) => problemPage({ ...frame, nonce }));
      return sendPage(reply, 200, (nonce) => notMePage({ ...frame, nonce, token, action: path }));
    });

    app.post<{ Body: { token?: unknown } | undefined }>(path, hidden, async (request, reply) => {
      const frame = frameOf(request.headers['accept-language']);
      const token = readToken(request.body?.token);
      reply.header('cache-control', 'no-store');
      if (token === null) return sendPage(reply, 400, (nonce) => problemPage({ ...frame, nonce }));
      const changed = await deps.disown(hashToken(token));
      request.log.info({ changed }, 'message.disowned');
      return sendPage(reply, 200, (nonce) => disownedPage({ ...frame, nonce }));
    });
  };

const readToken = (text: unknown): string | null =>
  typeof text === 'string' && tokenShape.test(text) ? text : null;
