import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Secret } from '@reconfirm/core/secret';
import { setPasswordOf } from './answers.ts';
import type { EntryguardDependencies } from './dependencies.ts';
import { EntryguardError } from './errors.ts';
import * as schemas from './schemas.ts';

/** Accepting an invitation. */
export const passwordRoutes =
  (deps: EntryguardDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/auth/set-password',
      {
        schema: {
          summary: 'Set the password of an invitation, and sign in',
          description:
            'Uses the token up and verifies the address; every other session of the user ends. Takes the token of a mail for a forgotten password too.',
          tags: ['Invitations'],
          body: schemas.SetPasswordBody,
          response: { 200: schemas.SessionAnswer, ...schemas.errors(400, 413, 415, 500) },
        },
      },
      async (request, reply) => {
        const { inviteToken, password } = request.body;
        const outcome = await deps.setPassword({
          token: new Secret(inviteToken.trim().replace(/^invite_/, '')),
          password: new Secret(password),
          purposes: ['invitation', 'recovery'],
          policy: deps.passwordPolicy,
        });
        request.log.info({ outcome: outcome.kind }, 'token.presented');
        const { token } = setPasswordOf(outcome);
        const user = await deps.findUser(token.organizationId, token.accountId);
        const organization = await deps.findOrganization(token.organizationId);
        if (user === undefined || organization === undefined)
          throw new EntryguardError('INVITE_TOKEN_INVALID');
        const session = await deps.openSession(user);
        return reply.header('cache-control', 'no-store').send({
          accessToken: session.accessToken.reveal(),
          refreshToken: session.refreshToken.reveal(),
          expiresIn: session.expiresInSeconds,
          tokenType: 'Bearer' as const,
          user: {
            id: user.id,
            email: user.email,
            name: user.name,
            isOrgAdmin: user.isAdmin,
            organizationId: organization.id,
            organizationName: organization.name,
            organizationSlug: organization.slug ?? 'default',
            subscriptionTier: deps.subscriptionTierOf(organization.id),
            mfaEnabled: false,
          },
        });
      },
    );
  };
