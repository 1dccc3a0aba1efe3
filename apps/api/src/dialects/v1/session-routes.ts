import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { bearerToken } from '@reconfirm/process/bearer-token';
import { ProblemError } from '../../problem.ts';
import { sessionOf } from './answers.ts';
import type { V1Sessions } from './dependencies.ts';
import * as messages from './schemas-message.ts';
import * as schemas from './schemas.ts';

/** What becomes of a session that POST /v1/verify opened. */
export const sessionRoutes =
  (sessions: V1Sessions): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });

    app.post(
      '/v1/sessions/refresh',
      {
        schema: {
          summary: 'New tokens of a session',
          description:
            'A refresh token works once. One that was used already ends the session: somebody else may have it.',
          tags: ['Sessions'],
          body: messages.RefreshBody,
          response: { 200: messages.RefreshAnswer, ...schemas.problems(400, 401, 413, 415, 503) },
        },
      },
      async (request) => {
        const outcome = await sessions.refresh(request.body.refreshToken);
        request.log.info({ outcome: outcome.kind }, 'session.refreshed');
        if (outcome.kind !== 'refreshed') throw new ProblemError('UNAUTHORIZED');
        return { ok: true as const, session: sessionOf(outcome.session) };
      },
    );

    app.post(
      '/v1/sessions/end',
      {
        schema: {
          summary: 'Sign out',
          description: 'Ends the session of the access token. It counts at once.',
          tags: ['Sessions'],
          security: [{ accessToken: [] }],
          response: { 204: schemas.Nothing, ...schemas.problems(400, 401, 413, 415, 503) },
        },
      },
      async (request, reply) => {
        const token = bearerToken(request.headers.authorization);
        const who = token === undefined ? undefined : await sessions.authenticate(token);
        if (who?.kind !== 'authenticated') throw new ProblemError('UNAUTHORIZED');
        await sessions.end(who.identity, 'this');
        return reply.code(204).send(null);
      },
    );
  };
