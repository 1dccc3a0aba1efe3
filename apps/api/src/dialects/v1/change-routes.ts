import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { parseEmailAddress } from '@reconfirm/core/account';
import { clientOfCaller } from '../../client-address.ts';
import { ProblemError } from '../../problem.ts';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import { changeProblem } from './answers.ts';
import { authenticateTenant } from './authenticate-tenant.ts';
import type { V1Dependencies } from './dependencies.ts';
import { readEmail, readLocale, readRedirect } from './read-request.ts';
import * as messages from './schemas-message.ts';
import * as schemas from './schemas.ts';

/** A tenant's move to another address: asked for with its key, confirmed by the addresses themselves. */
export const changeRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const shared = { tags: ['Tenant'], security: [{ apiKey: [] }] };

    app.post(
      '/v1/tenants/me/email-change',
      {
        schema: {
          ...shared,
          summary: 'Ask for another address',
          description:
            'The new address gets a link and a code. Where the current one is proved and EMAIL_CHANGE_MODE=both, it has to agree with a link of its own, in any order. A new request cancels the one before. An address that was never proved is simply replaced once the new one has confirmed.',
          body: messages.ChangeEmailBody,
          response: { 202: messages.ChangeAnswer, ...schemas.problems(400, 401, 409, 413, 415, 429, 503) },
        },
      },
      async (request, reply) => {
        const account = await authenticateTenant(deps, request.headers.authorization);
        const { body } = request;
        const current = parseEmailAddress(
          account.email ?? '',
          deps.requestRulesOf(deps.organizationId).identity,
        );
        const outcome = await deps.changeContact({
          organizationId: deps.organizationId,
          accountId: account.id,
          to: readEmail(body.email, deps.requestRulesOf(deps.organizationId)),
          current:
            current === undefined ? null : { destination: current, isVerified: account.verifiedAt !== null },
          redirectUrl: readRedirect(
            body.redirectUrl,
            deps.requestRulesOf(deps.organizationId),
            'redirectUrl',
          ),
          locale: readLocale(body.locale),
          clientAddress: clientOfCaller(request, account.id),
        });
        if (outcome.kind !== 'asked') throw changeProblem(outcome);
        return reply
          .code(202)
          .headers(rateLimitHeaders(outcome.limits, undefined))
          .send({ ok: true as const, change: await readChange(account.id) });
      },
    );

    app.get(
      '/v1/tenants/me/email-change',
      {
        schema: {
          ...shared,
          summary: 'How far the move has come',
          response: { 200: messages.ChangeAnswer, ...schemas.problems(401, 404, 503) },
        },
      },
      async (request) => {
        const account = await authenticateTenant(deps, request.headers.authorization);
        return { ok: true as const, change: await readChange(account.id) };
      },
    );

    app.delete(
      '/v1/tenants/me/email-change',
      {
        schema: {
          ...shared,
          summary: 'Give the move up',
          description: 'Its links and codes stop working at once.',
          response: { 204: schemas.Nothing, ...schemas.problems(400, 401, 404, 413, 415, 503) },
        },
      },
      async (request, reply) => {
        const account = await authenticateTenant(deps, request.headers.authorization);
        if (!(await deps.cancelChange(account.id, 'email'))) throw new ProblemError('NOT_FOUND');
        return reply.code(204).send(null);
      },
    );

    const readChange = async (accountId: string) => {
      const change = await deps.findPendingChange(accountId, 'email');
      if (change === undefined) throw new ProblemError('NOT_FOUND');
      return {
        id: change.id,
        newEmail: change.newAddress,
        mode: change.mode,
        confirmed: change.confirmed,
        expiresAt: change.expiresAt.toISOString(),
      };
    };
  };
