import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Inviter } from '@reconfirm/core/invitation';
import { bearerToken, isSameSecret } from '@reconfirm/process/bearer-token';
import { invitedOf, userNotFound } from './answers.ts';
import type { GotrueDependencies } from './dependencies.ts';
import { GotrueError, invalid } from './errors.ts';
import { readEmail, readMetadata, readRemembered, textOf } from './read-request.ts';
import * as schemas from './schemas.ts';
import { userOf } from './user.ts';

/** What the application's own servers may ask for, and what clients ask to find out who answers. */
export const serviceRoutes =
  (deps: GotrueDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { rules } = deps;

    app.post(
      '/invite',
      {
        schema: {
          summary: 'Invite an address',
          description:
            'Repeated for somebody who has not confirmed, it sends another invitation and ends the older one. No limit stands before it.',
          tags: ['Service'],
          security: [{ serviceKey: [] }],
          querystring: schemas.RedirectQuery,
          body: schemas.InviteBody,
          response: {
            200: schemas.User,
            ...schemas.errors(400, 401, 403, 413, 415, 422, 500, 503),
          },
        },
      },
      async (request) => {
        const { organizationId, inviter } = await authorizeService(request.headers.authorization);
        const { body } = request;
        if (textOf(body.email) === '') throw invalid('An email address is required');
        const email = readEmail(textOf(body.email), rules);
        const { redirectUrl, locale, clientAddress } = readRemembered(request, body, deps, organizationId);
        const outcome = await deps.invite({
          organizationId,
          email,
          inviter,
          metadata: readMetadata(body.data),
          redirectUrl,
          locale,
          clientAddress,
          // The browser that asks is the service's own: the guest proves the mailbox by the code.
          context: {},
        });
        deps.decided(request, { what: 'invite', organizationId, destination: email }, outcome);
        const profile = await deps.findProfile(invitedOf(outcome).accountId);
        if (profile === undefined) throw userNotFound();
        return { ...userOf(profile), invited_at: new Date().toISOString() };
      },
    );

    app.get(
      '/settings',
      {
        schema: {
          summary: 'What this installation offers',
          tags: ['Info'],
          response: { 200: schemas.Settings, ...schemas.errors(500) },
        },
      },
      async () => ({
        external: { email: rules.emailOn, phone: rules.phoneOn, anonymous_users: false },
        disable_signup: !rules.signUpOpen,
        mailer_autoconfirm: false,
        phone_autoconfirm: false,
        sms_provider: '',
        saml_enabled: false,
      }),
    );

    app.get(
      '/health',
      {
        schema: {
          summary: 'Is the process up?',
          tags: ['Info'],
          response: { 200: schemas.Health, ...schemas.errors(500) },
        },
      },
      async () => ({
        version: deps.version,
        name: 'Reconfirm',
        description: 'Verification messages, by the GoTrue-shaped contract',
      }),
    );

    /** Who the caller is, and the organization that it may invite for. */
    const authorizeService = async (
      authorization: string | undefined,
    ): Promise<{ readonly organizationId: string; readonly inviter: Inviter }> => {
      const given = bearerToken(authorization);
      if (given === undefined)
        throw new GotrueError(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
      if (deps.adminKey !== undefined && isSameSecret(given, deps.adminKey))
        return { organizationId: deps.organizationId, inviter: { kind: 'operator' } };
      const key = await deps.authenticateKey(authorization);
      if (key?.scopes.includes('accounts:write') === true)
        return { organizationId: key.organizationId, inviter: { kind: 'key', id: key.keyId } };
      throw new GotrueError(403, 'not_admin', 'User not allowed');
    };
  };
