import type { FastifyInstance } from 'fastify';

/**
 * In this scope a request that says it has JSON and has nothing is one without a body: clients send the
 * header with everything. Anything else is read as everywhere.
 */
export const acceptEmptyJson = (
  app: Pick<FastifyInstance, 'addContentTypeParser' | 'getDefaultJsonParser'>,
): void => {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body as string, done);
  });
};
