import type { FastifyPluginAsync } from 'fastify';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { setPasswordPath } from '@reconfirm/core/contract';
import { characterClasses, type PasswordPolicy, passwordSizeMax } from '@reconfirm/core/password';
import { withOwnOrigin } from '@reconfirm/core/redirect';
import { findNewestMessage } from '@reconfirm/db/newest-message';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { acceptSignUp } from '@reconfirm/db/sign-ups';
import { findUser } from '@reconfirm/db/users';
import { version } from '../app.ts';
import { limitedBy } from '../captcha/gate.ts';
import { singularity } from '../dialects/singularity/plugin.ts';
import { type ContractDocument, documented } from '../documentation.ts';
import { withNamedFault } from '../limiter/with-named-fault.ts';
import { createSignUp } from '../sign-up.ts';
import type { ContractRules } from '../contract-rules.ts';
import { accessOf, createUseCases, type Parts, setPasswordByTokenOf } from '../use-cases.ts';

/** What the Singularity contract asks of the use cases. */
export const singularityRules = (config: ApiConfig): ContractRules => ({
  contract: 'singularity',
  limits: {
    ip: config.SINGULARITY_RATE_LIMIT_IP,
    email: config.SINGULARITY_RATE_LIMIT_ADDRESS,
    phone: config.RATE_LIMIT_PHONE,
    purposes: config.PURPOSE_RATE_LIMITS,
  },
  // The owner has shown a token and is told by the routes; everybody else is told nothing.
  disclosure: 'strict',
  refusesWhileEmailIsOff: config.EMAIL_PROVIDER === 'none',
  asksCaptcha: false,
});

export const singularityDocument: ContractDocument = {
  name: 'singularity',
  title: 'Reconfirm: email verification (Singularity)',
  description:
    'The signed-in user asks for another verification email and verifies by its token. Every refusal names its code in `code` and in X-Error-Code.',
  tags: [
    { name: 'Email verification', description: 'Sending needs an access token; verifying needs the mail.' },
    { name: 'Registration', description: 'Public; alike for every address.' },
    { name: 'Password', description: 'Public; alike for every address.' },
  ],
  securitySchemes: {
    accessToken: {
      type: 'http',
      scheme: 'bearer',
      description: 'Access token of ours, or of a configured issuer (FOREIGN_ISSUERS)',
    },
    cookie: { type: 'apiKey', in: 'cookie', name: 'access_token', description: 'The same as a cookie' },
  },
};

/** The Singularity contract, put together. */
export const composeSingularity = (parts: Parts): FastifyPluginAsync => {
  const { config, db, keys, sms } = parts;
  const access = accessOf(parts);
  const limiter = withNamedFault(parts.limiter);
  const shared = createUseCases({ ...parts, limiter }, 'singularity', singularityRules);
  const passwordPolicy: PasswordPolicy = {
    sizeMin: config.PASSWORD_LENGTH_MIN,
    sizeMax: passwordSizeMax,
    classes: characterClasses,
  };
  const plugin = singularity({
    ...shared,
    signUp: createSignUp({
      rulesOf: shared.rulesOf,
      keys,
      limiter,
      sms,
      // The document has no field for a captcha's answer: the limit of the client is all there is.
      captchaGate: async (ip) => (ip.allowed ? null : limitedBy(ip)),
      judgeDisposable: parts.judgeDisposable,
      policy: passwordPolicy,
      passwords: access.passwords,
      write: (account, message, hash) => acceptSignUp(db, account, message, hash),
      ring: parts.ring,
    }),
    authenticate: access.sessions.authenticate,
    setPassword: setPasswordByTokenOf(parts),
    limiter,
    keys,
    identity: config.EMAIL_IDENTITY,
    organizationId: defaultOrganizationId,
    origins: withOwnOrigin(config.REDIRECT_ORIGINS, config.PUBLIC_URL),
    emailIsOff: singularityRules(config).refusesWhileEmailIsOff,
    alreadyVerifiedStatus: config.SINGULARITY_ALREADY_VERIFIED === '304' ? 304 : 409,
    repeatedVerifySucceeds: config.SINGULARITY_REPEATED_VERIFY === 'success',
    verificationUrl: config.SINGULARITY_VERIFICATION_URL ?? null,
    passwordResetUrl:
      config.SINGULARITY_PASSWORD_RESET_URL ?? new URL(setPasswordPath, config.PUBLIC_URL).href,
    passwordPolicy,
    findUser: (organizationId, id) => findUser(db, organizationId, id),
    findNewestMessage: (organizationId, emailKey, purpose) =>
      findNewestMessage(db, organizationId, emailKey, purpose),
  });
  return documented(singularityDocument, { publicUrl: config.PUBLIC_URL, version }, plugin);
};
