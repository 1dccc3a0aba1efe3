import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { parsePhoneNumber } from '@reconfirm/core/phone';
import { clientOfCaller } from '../../client-address.ts';
import { ProblemError } from '../../problem.ts';
import { rateLimitHeaders } from '../../rate-limit-headers.ts';
import { changeProblem } from './answers.ts';
import { authenticateTenant } from './authenticate-tenant.ts';
import type { V1Dependencies } from './dependencies.ts';
import { readLocale, readPhone, readRedirect } from './read-request.ts';
import * as messages from './schemas-message.ts';
import * as schemas from './schemas.ts';

const path = '/v1/tenants/me/phone-change';

/** How a tenant gets a phone number, or another one: asked for with its key, confirmed by the code that the number gets. */
export const phoneChangeRoutes =
  (deps: V1Dependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const shared = { tags: ['Tenant'], security: [{ apiKey: [] }] };

    app.post(
      path,
      {
        schema: {
          ...shared,
          summary: 'Ask for a phone number, the first or another',
          description:
            'The number gets a code by SMS, which POST /v1/verify takes with `phone`. Until then the tenant keeps what it has. A new request cancels the one before. Whether somebody has the number already is told only to who has the phone.',
          body: messages.ChangePhoneBody,
          response: {
            202: messages.ChangePhoneAnswer,
            ...schemas.problems(400, 401, 409, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const account = await authenticateTenant(deps, request.headers.authorization);
        const { body } = request;
        const rules = deps.requestRulesOf(deps.organizationId);
        const to = readPhone(body.phone, rules);
        const current = account.phone === null ? null : parsePhoneNumber(account.phone, rules.phones);
        const { organizationId } = deps;
        const outcome = await deps.changeContact({
          organizationId,
          accountId: account.id,
          to,
          current:
            current === null || 'problem' in current ? null : { destination: current, isVerified: true },
          redirectUrl: readRedirect(body.redirectUrl, rules, 'redirectUrl'),
          locale: readLocale(body.locale),
          clientAddress: clientOfCaller(request, account.id),
        });
        deps.decided(request, { what: 'phone_change', organizationId, destination: to }, outcome);
        if (outcome.kind !== 'asked') throw changeProblem(outcome);
        return reply
          .code(202)
          .headers(rateLimitHeaders(outcome.limits, undefined))
          .send({ ok: true as const, change: await readChange(account.id) });
      },
    );

    app.get(
      path,
      {
        schema: {
          ...shared,
          summary: 'The number that waits for its code',
          response: { 200: messages.ChangePhoneAnswer, ...schemas.problems(401, 404, 503) },
        },
      },
      async (request) => {
        const account = await authenticateTenant(deps, request.headers.authorization);
        return { ok: true as const, change: await readChange(account.id) };
      },
    );

    app.delete(
      path,
      {
        schema: {
          ...shared,
          summary: 'Give the number up',
          description: 'Its code stops working at once. A number that was confirmed stays.',
          response: { 204: schemas.Nothing, ...schemas.problems(400, 401, 404, 413, 415, 503) },
        },
      },
      async (request, reply) => {
        const account = await authenticateTenant(deps, request.headers.authorization);
        if (!(await deps.cancelChange(account.id, 'sms'))) throw new ProblemError('NOT_FOUND');
        return reply.code(204).send(null);
      },
    );

    const readChange = async (accountId: string) => {
      const change = await deps.findPendingChange(accountId, 'sms');
      if (change === undefined) throw new ProblemError('NOT_FOUND');
      return { id: change.id, newPhone: change.newAddress, expiresAt: change.expiresAt.toISOString() };
    };
  };
