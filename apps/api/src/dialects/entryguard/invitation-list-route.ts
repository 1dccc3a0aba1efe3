import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { listedInvitationStates } from '@reconfirm/core/invitation';
import { listedInvitationAnswer } from './answers.ts';
import type { EntryguardDependencies } from './dependencies.ts';
import { nextPage, pageSizeMax, readPage } from './page.ts';
import { readAdministrator } from './read-request.ts';
import * as schemas from './schemas.ts';

/** All invitations of an organization, for whoever administers it. What is done to one stands with its user. */
export const invitationListRoute =
  (deps: EntryguardDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/invitations',
      {
        schema: {
          tags: ['Invitations'],
          security: [{ bearer: [] }, { apiKey: [] }],
          summary: 'Invitations of the organization',
          description: `In the order in which their users came, up to ${pageSizeMax}. Where there are more, the Link header names the next page. No link is shown: none is stored.`,
          querystring: schemas.InvitationsQuery,
          response: { 200: schemas.Invitations, ...schemas.errors(400, 401, 403, 500) },
        },
      },
      async (request, reply) => {
        const { organizationId } = await readAdministrator(deps, request, 'read');
        const { size, afterId } = readPage(request.query);
        const { state } = request.query;
        const wanted = state?.split(',') ?? [];
        const states = listedInvitationStates.filter((name) => wanted.includes(name));
        const found = await deps.listInvitations(organizationId, { afterId, limit: size + 1, states });
        const page = found.slice(0, size);
        if (found.length > size)
          reply.header(
            'link',
            nextPage('/api/v1/invitations', {
              after: page.at(-1)?.accountId ?? '',
              limit: size,
              ...(state !== undefined && { state }),
            }),
          );
        return page.map(listedInvitationAnswer);
      },
    );
  };
