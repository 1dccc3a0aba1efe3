import swagger from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import type { FastifyPluginAsync } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { errorsPage } from './pages/errors-page.ts';
import { sendPage } from './send-page.ts';

/** /openapi.json, made from the very schemas that validate; /docs, where a person reads it; /docs/errors. */
export const documentation = (options: {
  readonly publicUrl: string;
  readonly version: string;
  readonly brand: string;
}): FastifyPluginAsync =>
  fastifyPlugin(async (app) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.1',
        info: {
          title: 'Reconfirm: verification e-mails',
          version: options.version,
          description:
            'Proves e-mail addresses: register, resend, confirm, and see what became of every message. Errors are problem details (RFC 9457).',
        },
        servers: [{ url: options.publicUrl }],
        tags: [
          { name: 'Verification', description: 'Public. Limits are in the RateLimit headers.' },
          { name: 'Tenant', description: 'With the API key of a registration.' },
          { name: 'Operator', description: 'With ADMIN_KEY.' },
          { name: 'Operations' },
        ],
        components: {
          securitySchemes: {
            apiKey: { type: 'http', scheme: 'bearer', description: 'The key that registering shows once' },
            adminKey: { type: 'http', scheme: 'bearer', description: 'ADMIN_KEY' },
          },
        },
      },
    });
    const hidden = { schema: { hide: true } };
    app.get('/openapi.json', hidden, async () => app.swagger());
    app.get('/docs/errors', hidden, async (_request, reply) =>
      sendPage(reply, 200, (nonce) => errorsPage({ brand: options.brand, nonce })),
    );
    await app.register(async (scope) => {
      // The reference is one script of its own that draws the page: it needs inline script and style.
      scope.addHook('onSend', async (_request, reply) => {
        reply.header(
          'content-security-policy',
          "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'",
        );
      });
      await scope.register(scalar, {
        routePrefix: '/docs',
        // Nothing that would call somebody else's server.
        configuration: {
          url: '/openapi.json',
          withDefaultFonts: false,
          telemetry: false,
          hideClientButton: true,
          showDeveloperTools: 'never',
          agent: { disabled: true },
          mcp: { disabled: true },
        },
      });
    });
  });
