import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { parseEmailAddress } from '@reconfirm/core/account';
import { type Inviter, inviterName } from '@reconfirm/core/invitation';
import type { UserDetails } from '@reconfirm/db/users';
import { clientAddressOf } from '../../client-address.ts';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import { addressKeyOf } from '../../request-keys.ts';
import {
  expectExtended,
  expectRevoked,
  foundUser,
  invitationAnswer,
  isUserId,
  renewedInvitation,
} from './answers.ts';
import type { EntryguardDependencies } from './dependencies.ts';
import { EntryguardError } from './errors.ts';
import { readAdministrator, readInstant, readLocale } from './read-request.ts';
import * as schemas from './schemas.ts';

interface Asked {
  readonly organizationId: string;
  readonly actor: Inviter;
  readonly user: UserDetails;
}

/** What the EntryGuard document only plans: the invitation of a user as a thing of its own. */
export const invitationRoutes =
  (deps: EntryguardDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const shared = { tags: ['Invitations'], security: [{ bearer: [] }, { apiKey: [] }] };

    app.post(
      '/users/:id/invitation/resend',
      {
        schema: {
          ...shared,
          summary: 'Send the invitation again',
          description:
            'With a new lifetime; the older link ends at once. The user keeps its id and roles. Brings an expired or withdrawn invitation back.',
          params: schemas.UserParams,
          body: schemas.ResendBody,
          response: {
            202: schemas.InvitationAnswer,
            ...schemas.errors(400, 401, 403, 404, 409, 413, 415, 429, 500),
          },
        },
      },
      async (request, reply) => {
        const asked = await readAsked(request, request.params.id, 'write');
        const { organizationId, actor, user } = asked;
        const email = emailOf(user);
        const outcome = await deps.invitations.renew({
          organizationId,
          inviter: actor,
          accountId: user.id,
          email,
          locale: readLocale(request.body?.locale),
          redirectUrl: deps.setPasswordUrl,
          clientAddress: clientAddressOf(request),
        });
        deps.decided(request, { what: 'invitation', organizationId, destination: email }, outcome);
        const { limits } = renewedInvitation(outcome, user.id);
        return reply
          .code(202)
          .headers(rateLimitHeaders(limits, undefined))
          .send(await readInvitation(request, asked));
      },
    );

    app.get(
      '/users/:id/invitation',
      {
        schema: {
          ...shared,
          summary: 'How the invitation stands',
          description: '`deliveryStatus` is null until the mail was handed over.',
          params: schemas.UserParams,
          response: { 200: schemas.InvitationAnswer, ...schemas.errors(401, 403, 404, 500) },
        },
      },
      async (request) => readInvitation(request, await readAsked(request, request.params.id, 'read')),
    );

    app.patch(
      '/users/:id/invitation',
      {
        schema: {
          ...shared,
          summary: 'Let the invitation end at another time',
          description: 'Without another mail. An expired link works again.',
          params: schemas.UserParams,
          body: schemas.ChangeInvitationBody,
          response: {
            200: schemas.InvitationAnswer,
            ...schemas.errors(400, 401, 403, 404, 409, 413, 415, 500),
          },
        },
      },
      async (request) =>
        extend(request, request.params.id, { expiresAt: readInstant(request.body.expiresAt, 'expiresAt') }),
    );

    app.post(
      '/users/:id/invitation/extend',
      {
        schema: {
          ...shared,
          summary: 'Give the invitation a new lifetime',
          description: 'Without another mail: its whole lifetime from now on, or until `expiresAt`.',
          params: schemas.UserParams,
          body: schemas.ExtendBody,
          response: {
            200: schemas.InvitationAnswer,
            ...schemas.errors(400, 401, 403, 404, 409, 413, 415, 500),
          },
        },
      },
      async (request) => {
        const expiresAt = request.body?.expiresAt ?? null;
        const until = expiresAt === null ? null : { expiresAt: readInstant(expiresAt, 'expiresAt') };
        return extend(request, request.params.id, until);
      },
    );

    app.delete(
      '/users/:id/invitation',
      {
        schema: {
          ...shared,
          summary: 'Withdraw the invitation',
          description: 'Its link is dead at once. The user stays; sending again brings it back.',
          params: schemas.UserParams,
          response: { 204: schemas.Nothing, ...schemas.errors(400, 401, 403, 404, 409, 413, 415, 500) },
        },
      },
      async (request, reply) => {
        const { organizationId, actor, user } = await readAsked(request, request.params.id, 'write');
        const emailKey = addressKeyOf(deps.keys, organizationId, emailOf(user).lookupForm);
        const by = inviterName(actor);
        const change = { organizationId, accountId: user.id, by, emailKey };
        expectRevoked(await deps.revokeInvitation(change), user.id);
        return reply.code(204).send(null);
      },
    );

    /** Who asks about whom, or a 401, 403 or 404. */
    const readAsked = async (
      request: FastifyRequest,
      id: string,
      access: 'read' | 'write',
    ): Promise<Asked> => {
      const administrator = await readAdministrator(deps, request, access);
      const user = isUserId(id) ? await deps.findUser(administrator.organizationId, id) : undefined;
      return { ...administrator, user: foundUser(user, id) };
    };

    const extend = async (
      request: FastifyRequest,
      id: string,
      until: { readonly expiresAt: Date } | null,
    ) => {
      const asked = await readAsked(request, id, 'write');
      const { organizationId, actor, user } = asked;
      const change = { organizationId, accountId: user.id, by: inviterName(actor) };
      expectExtended(
        await deps.extendInvitation(change, until ?? { seconds: deps.invitationSecondsOf(organizationId) }),
        user.id,
      );
      return readInvitation(request, asked);
    };

    const readInvitation = async (request: FastifyRequest, { organizationId, actor, user }: Asked) => {
      const invitation = await deps.findInvitation(organizationId, user.id);
      if (invitation === undefined) throw new EntryguardError('INVITATION_NOT_FOUND');
      const waitSeconds = await deps.invitations.waitSeconds({
        organizationId,
        inviter: actor,
        email: emailOf(user),
        clientAddress: clientAddressOf(request),
      });
      return invitationAnswer(invitation, waitSeconds);
    };

    /** The address as it is looked up; a user with a phone number only has no invitation. */
    const emailOf = (user: UserDetails) => {
      const email = parseEmailAddress(user.email ?? '', deps.identity);
      if (email === undefined) throw new EntryguardError('INVITATION_NOT_FOUND');
      return email;
    };
  };
