import type { FastifyPluginAsync } from 'fastify';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { version } from '../app.ts';
import { gotrueDocument } from '../dialects/gotrue/document.ts';
import { documented } from '../documentation.ts';
import type { ContractRules, Parts } from '../use-cases.ts';

export { gotrueDocument };

/** What seed 003, and GoTrue behind it, ask of the use cases. */
export const gotrueRules = (config: ApiConfig): ContractRules => ({
  contract: 'gotrue',
  limits: {
    ip: config.GOTRUE_RATE_LIMIT_IP,
    email: config.GOTRUE_RATE_LIMIT_EMAIL,
    phone: config.GOTRUE_RATE_LIMIT_PHONE,
  },
  // Seed 003: "Doesn't reveal if email/phone exists".
  disclosure: 'strict',
  refusesWhileEmailIsOff: config.EMAIL_PROVIDER === 'none',
});

/** The GoTrue-shaped contract, put together. */
export const composeGotrue = ({ config }: Parts): FastifyPluginAsync =>
  documented(gotrueDocument, { publicUrl: config.PUBLIC_URL, version }, async () => undefined);
