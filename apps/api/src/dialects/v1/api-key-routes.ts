import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { makeApiKey } from '../../api-key.ts';
import { adminOnly } from '../../admin-only.ts';
import { ProblemError } from '../../problem.ts';
import { apiKeyOf } from './answers.ts';
import { ApiKeyAnswer, ApiKeyBody, ApiKeysAnswer, ApiKeysQuery, NewApiKeyAnswer } from './api-key-schemas.ts';
import type { V1Dependencies } from './dependencies.ts';

import * as schemas from './schemas.ts';

/** The operator's list of keys by which services act for an organization. */
export const apiKeyRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addHook('onRequest', adminOnly(deps.adminKey));
    const shared = { tags: ['Operator'], security: [{ adminKey: [] }] };

    app.post(
      '/v1/admin/api-keys',
      {
        schema: {
          ...shared,
          summary: 'Make a key of an organization',
          description:
            'The key is in this answer and nowhere else. It may do what its scopes say, for this organization.',
          body: ApiKeyBody,
          response: { 201: NewApiKeyAnswer, ...schemas.problems(400, 401, 404, 413, 415, 503) },
        },
      },
      async (request, reply) => {
        const made = makeApiKey();
        const { name, scopes, organizationId = deps.organizationId } = request.body;
        const key = await deps.organizationKeys.create({ ...made, name, scopes, organizationId });
        if (key === undefined) throw new ProblemError('NOT_FOUND');
        request.log.info({ keyId: key.id, organizationId, scopes }, 'admin.api_key_made');
        reply.code(201);
        return { ok: true as const, key: apiKeyOf(key), apiKey: made.text.reveal() };
      },
    );

    app.get(
      '/v1/admin/api-keys',
      {
        schema: {
          ...shared,
          summary: 'Keys of an organization, newest first',
          description: 'Revoked ones too. A key is told from others by its last four characters.',
          querystring: ApiKeysQuery,
          response: { 200: ApiKeysAnswer, ...schemas.problems(400, 401, 503) },
        },
      },
      async (request) => {
        const keys = await deps.organizationKeys.list(request.query.organizationId ?? deps.organizationId);
        return { ok: true as const, keys: keys.map(apiKeyOf) };
      },
    );

    app.delete(
      '/v1/admin/api-keys/:id',
      {
        schema: {
          ...shared,
          summary: 'Revoke a key of an organization',
          description: 'At once and for good. Repeating changes nothing.',
          params: schemas.IdParams,
          response: { 200: ApiKeyAnswer, ...schemas.problems(400, 401, 404, 413, 415, 503) },
        },
      },
      async (request) => {
        const key = await deps.organizationKeys.revoke(request.params.id);
        if (key === undefined) throw new ProblemError('NOT_FOUND');
        request.log.info({ keyId: key.id, organizationId: key.organizationId }, 'admin.api_key_revoked');
        return { ok: true as const, key: apiKeyOf(key) };
      },
    );
  };
