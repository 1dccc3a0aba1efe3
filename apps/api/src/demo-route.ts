import type { FastifyPluginAsync } from 'fastify';
import { demoPage } from './pages/demo-page.ts';
import { sendPage } from './send-page.ts';

/** The page at /, on which a person can try everything. It uses the public API and nothing else. */
export const demoRoute =
  (options: { readonly brand: string; readonly inboxUrl: string | undefined }): FastifyPluginAsync =>
  async (app) => {
    const { brand, inboxUrl } = options;
    app.get('/', { schema: { hide: true } }, async (_request, reply) =>
      sendPage(
        reply,
        200,
        (nonce) => demoPage({ brand, nonce, ...(inboxUrl === undefined ? {} : { inboxUrl }) }),
        {
          hasScript: true,
        },
      ),
    );
  };
