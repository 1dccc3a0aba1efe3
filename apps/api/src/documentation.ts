import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import type { FastifyPluginAsync } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { errorsPage } from './pages/errors-page.ts';
import { sendPage } from './send-page.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The contract whose document holds the route; v1's and the operations' are in /openapi.json. */
    document?: string;
  }
}

/** What a contract's document says besides its routes. */
export interface ContractDocument {
  /** Of the file: /openapi/<name>.json. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly securitySchemes: Readonly<
    Record<
      string,
      | { readonly type: 'http'; readonly scheme: 'bearer'; readonly description: string }
      | {
          readonly type: 'apiKey';
          readonly in: 'header' | 'cookie';
          readonly name: string;
          readonly description: string;
        }
    >
  >;
}

interface Installation {
  readonly publicUrl: string;
  readonly version: string;
}

const openapiOf = (
  { title, description, tags, securitySchemes }: ContractDocument,
  { publicUrl, version }: Installation,
): NonNullable<FastifyDynamicSwaggerOptions['openapi']> => ({
  openapi: '3.1.1',
  info: { title, version, description },
  servers: [{ url: publicUrl }],
  tags: tags.map((tag) => ({ ...tag })),
  components: { securitySchemes: { ...securitySchemes } },
});

const v1Document: ContractDocument = {
  name: 'v1',
  title: 'Reconfirm: verification e-mails',
  description:
    'Proves e-mail addresses: register, resend, confirm, and see what became of every message. Errors are problem details (RFC 9457).',
  tags: [
    { name: 'Verification', description: 'Public. Limits are in the RateLimit headers.' },
    { name: 'Sessions', description: 'Of people who proved an address to sign in; with SESSION_KEYS.' },
    { name: 'Tenant', description: 'With the API key of a registration.' },
    { name: 'Operator', description: 'With ADMIN_KEY.' },
    { name: 'Operations' },
  ],
  securitySchemes: {
    apiKey: { type: 'http', scheme: 'bearer', description: 'The key that registering shows once' },
    adminKey: { type: 'http', scheme: 'bearer', description: 'ADMIN_KEY' },
    accessToken: { type: 'http', scheme: 'bearer', description: 'Of a session that POST /v1/verify opened' },
  },
};

const hidden = { schema: { hide: true } };

/**
 * A contract with a document of its own: the routes of the plugin, at /openapi/<name>.json, made from the
 * very schemas that validate, and nowhere else.
 */
export const documented =
  (document: ContractDocument, installation: Installation, plugin: FastifyPluginAsync): FastifyPluginAsync =>
  async (app) => {
    app.addHook('onRoute', (route) => {
      route.config = { ...route.config, document: document.name };
    });
    const decorator = `openapiOf_${document.name}` as const;
    await app.register(swagger, {
      openapi: openapiOf(document, installation),
      // The type knows the decorator's default name only.
      decorator: decorator as 'swagger',
    });
    const read = app[decorator as 'swagger'];
    app.get(`/openapi/${document.name}.json`, hidden, async () => read());
    await app.register(plugin);
  };

/** /openapi.json, made from the very schemas that validate; /docs, where a person reads it; /docs/errors. */
export const documentation = (
  options: Installation & { readonly brand: string; readonly documents: readonly ContractDocument[] },
): FastifyPluginAsync =>
  fastifyPlugin(async (app) => {
    await app.register(swagger, {
      openapi: openapiOf(v1Document, options),
      transform: ({ schema, url, route }) => ({
        schema: route.config?.document === undefined ? schema : { ...schema, hide: true },
        url,
      }),
    });
    app.get('/openapi.json', hidden, async () => app.swagger());
    app.get('/openapi/v1.json', hidden, async () => app.swagger());
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
          sources: [
            { url: '/openapi.json', title: v1Document.title },
            ...options.documents.map(({ name, title }) => ({ url: `/openapi/${name}.json`, title })),
          ],
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
