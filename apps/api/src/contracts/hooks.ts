import type { FastifyPluginAsync } from 'fastify';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import type { ContractRules } from '../contract-rules.ts';
import { hooks } from '../dialects/hooks/plugin.ts';
import { createUseCases, type Parts } from '../use-cases.ts';

/** What relaying asks of the use cases: the calling system has asked its own questions already. */
export const hooksRules = (config: ApiConfig): ContractRules => ({
  contract: 'hooks',
  limits: { ip: [], email: config.RELAY_RATE_LIMIT_ADDRESS, phone: config.RATE_LIMIT_PHONE },
  disclosure: 'strict',
  refusesWhileEmailIsOff: config.EMAIL_PROVIDER === 'none',
  asksCaptcha: false,
});

/** The hooks of GoTrue and Kratos, put together. */
export const composeHooks = (parts: Parts): FastifyPluginAsync => {
  const { config, metrics } = parts;
  const { resend, decided } = createUseCases(parts, 'hooks', hooksRules);
  return hooks({
    resend,
    decided,
    organizationId: defaultOrganizationId,
    identity: config.EMAIL_IDENTITY,
    allowedPrefixes: config.SMS_ALLOW_PREFIXES,
    lifetimeSeconds: config.RELAY_LIFETIME_SECONDS,
    gotrue:
      config.GOTRUE_HOOK_SECRETS === undefined || config.GOTRUE_HOOK_VERIFY_URL === undefined
        ? null
        : { secrets: config.GOTRUE_HOOK_SECRETS, verifyUrl: config.GOTRUE_HOOK_VERIFY_URL },
    kratosKey: config.KRATOS_COURIER_KEY,
    counted: metrics.webhook,
  });
};
