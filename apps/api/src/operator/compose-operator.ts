import type { FastifyPluginAsync } from 'fastify';
import { rememberSecondsOf } from '@reconfirm/core/limits';
import { countMessages } from '@reconfirm/db/numbers';
import { findOrganization } from '@reconfirm/db/organizations';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { requestRulesOf } from '../contracts/v1.ts';
import { createUseCases, type Parts } from '../use-cases.ts';
import { numbersRoute } from './numbers-route.ts';
import { testMessageRoute } from './test-message-route.ts';
import { createTestMessages, operatorRules } from './test-messages.ts';

/** What an operator does that belongs to no contract, put together. */
export const composeOperator = (parts: Parts): FastifyPluginAsync => {
  const { config, configOf, db } = parts;
  // Nobody else counts these subjects, so their longest window must not keep everybody's past as long.
  const keys = { ...parts.keys, rememberSeconds: rememberSecondsOf([operatorRules(config).limits]) };
  const { resend, decided } = createUseCases({ ...parts, keys }, 'operator', operatorRules);
  return async (app) => {
    await app.register(
      testMessageRoute({
        adminKey: config.ADMIN_KEY,
        keys,
        defaultOrganizationId,
        isOrganization: async (id) => (await findOrganization(db, id)) !== undefined,
        requestRulesOf: (organizationId) => requestRulesOf(configOf(organizationId)),
        send: createTestMessages({ resend, publicUrl: config.PUBLIC_URL, configOf }),
        decided,
      }),
    );
    await app.register(
      numbersRoute({ adminKey: config.ADMIN_KEY, count: (filter) => countMessages(db, filter) }),
    );
  };
};
