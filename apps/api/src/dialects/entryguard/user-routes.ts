import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { inviterName } from '@reconfirm/core/invitation';
import type { UserChange } from '@reconfirm/db/users';
import { clientAddressOf } from '../../client-address.ts';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import { changedUser, createdUser, expectDeleted, foundUser, isUserId, userAnswer } from './answers.ts';
import type { EntryguardDependencies } from './dependencies.ts';
import { nextPage, pageSizeMax, readPage } from './page.ts';
import { readAdministrator, readEmail, readLocale, readName } from './read-request.ts';
import * as schemas from './schemas.ts';

/** The users of an organization: making one sends the invitation, deleting one frees its address. */
export const userRoutes =
  (deps: EntryguardDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const shared = { tags: ['Users'], security: [{ bearer: [] }, { apiKey: [] }] };

    app.post(
      '/users',
      {
        schema: {
          ...shared,
          summary: 'Create a user and send the invitation',
          description:
            'The user waits until it has set a password by the link of the mail. Deleting and creating it again sends another one, as often as the limit of the address allows.',
          body: schemas.CreateUserBody,
          response: { 201: schemas.User, ...schemas.errors(400, 401, 403, 413, 415, 429, 500) },
        },
      },
      async (request, reply) => {
        const { organizationId, actor } = await readAdministrator(deps, request, 'write');
        const { body } = request;
        const email = readEmail(body.email, deps.identity);
        const outcome = await deps.invitations.invite({
          organizationId,
          inviter: actor,
          email,
          name: readName(body.name),
          isAdmin: body.isOrgAdmin ?? false,
          locale: readLocale(body.locale),
          redirectUrl: deps.setPasswordUrl,
          clientAddress: clientAddressOf(request),
        });
        deps.decided(request, { what: 'invite', organizationId, destination: email }, outcome);
        const { user, limits } = createdUser(outcome);
        return reply.code(201).headers(rateLimitHeaders(limits, undefined)).send(userAnswer(user));
      },
    );

    app.get(
      '/users',
      {
        schema: {
          ...shared,
          summary: 'Users of the organization',
          description: `All of them, up to ${pageSizeMax}. Where there are more, the Link header names the next page.`,
          querystring: schemas.UsersQuery,
          response: { 200: schemas.Users, ...schemas.errors(400, 401, 403, 500) },
        },
      },
      async (request, reply) => {
        const { organizationId } = await readAdministrator(deps, request, 'read');
        const { size, afterId } = readPage(request.query);
        const users = await deps.listUsers(organizationId, { afterId, limit: size + 1 });
        const page = users.slice(0, size);
        if (users.length > size)
          reply.header('link', nextPage('/api/v1/users', { after: page.at(-1)?.id ?? '', limit: size }));
        return page.map(userAnswer);
      },
    );

    app.get(
      '/users/:id',
      {
        schema: {
          ...shared,
          summary: 'One user',
          params: schemas.UserParams,
          response: { 200: schemas.User, ...schemas.errors(401, 403, 404, 500) },
        },
      },
      async (request) => {
        const { organizationId } = await readAdministrator(deps, request, 'read');
        const { id } = request.params;
        const user = isUserId(id) ? await deps.findUser(organizationId, id) : undefined;
        return userAnswer(foundUser(user, id));
      },
    );

    app.patch(
      '/users/:id',
      {
        schema: {
          ...shared,
          summary: 'Change a user',
          params: schemas.UserParams,
          body: schemas.ChangeUserBody,
          response: { 200: schemas.User, ...schemas.errors(400, 401, 403, 404, 413, 415, 500) },
        },
      },
      async (request) => {
        const { organizationId, actor } = await readAdministrator(deps, request, 'write');
        const { id } = request.params;
        const outcome = isUserId(id)
          ? await deps.changeUser({ organizationId, id, by: inviterName(actor) }, changeOf(request.body))
          : { kind: 'unknown' as const };
        return userAnswer(changedUser(outcome, id));
      },
    );

    app.delete(
      '/users/:id',
      {
        schema: {
          ...shared,
          summary: 'Delete a user',
          description:
            'With its sessions and tokens; mail that waits for it is not sent. The address is free at once.',
          params: schemas.UserParams,
          response: { 204: schemas.Nothing, ...schemas.errors(400, 401, 403, 404, 413, 415, 500) },
        },
      },
      async (request, reply) => {
        const { organizationId, actor } = await readAdministrator(deps, request, 'write');
        const { id } = request.params;
        const outcome = isUserId(id) ? await deps.deleteUser(organizationId, id) : 'unknown';
        expectDeleted(outcome, id);
        request.log.info({ userId: id, by: inviterName(actor) }, 'user.deleted');
        return reply.code(204).send(null);
      },
    );
  };

const changeOf = (body: {
  readonly name?: string | null;
  readonly isOrgAdmin?: boolean | null;
  readonly isActive?: boolean | null;
}): UserChange => {
  const name = readName(body.name);
  return {
    ...(name === null ? {} : { name }),
    ...(typeof body.isOrgAdmin === 'boolean' ? { isAdmin: body.isOrgAdmin } : {}),
    ...(typeof body.isActive === 'boolean' ? { isActive: body.isActive } : {}),
  };
};
