import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Sessions } from './sessions.ts';

/** Far below the time that a key is published before it signs (docs/sessions.md). */
const cacheSeconds = 300;

/** Where other services find the keys to verify access tokens with. */
export const jwksRoute =
  (sessions: Pick<Sessions, 'jwks'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/.well-known/jwks.json',
      {
        schema: {
          summary: 'Public keys of access tokens',
          description:
            'A key set (RFC 7517). Fetch it again for a `kid` that is not in it, at most every 30 seconds.',
          tags: ['Operations'],
          response: {
            200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.String())) }),
          },
        },
      },
      async (_request, reply) => {
        reply.headers({
          'cache-control': `public, max-age=${cacheSeconds}, stale-if-error=86400`,
          // Pages verify too; there is nothing here that is not public.
          'access-control-allow-origin': '*',
        });
        return { keys: sessions.jwks().keys.map((key) => ({ ...key })) };
      },
    );
  };
