import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { captchaProviderNames } from '@reconfirm/core/captcha/registry';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { ProblemError } from '../problem.ts';
import { problems } from '../dialects/v1/schemas.ts';
import { makeAltchaChallenge } from './altcha.ts';

const tags = ['Verification'];
const Action = Type.Union([Type.Literal('resend'), Type.Literal('register')], {
  description: 'What the answer will be sent with',
});

const Challenge = Type.Object({
  parameters: Type.Object(
    {
      algorithm: Type.String(),
      nonce: Type.String(),
      salt: Type.String(),
      cost: Type.Integer(),
      keyLength: Type.Integer(),
      keyPrefix: Type.String(),
      expiresAt: Type.Integer({ description: 'Seconds since 1970' }),
      data: Type.Object({ action: Type.String() }),
    },
    { description: 'Signed as it stands: the answer must hold it unchanged' },
  ),
  signature: Type.String(),
});

const CaptchaAnswer = Type.Object({
  ok: Type.Literal(true),
  provider: Type.Enum(captchaProviderNames),
  siteKey: Type.Union([Type.String(), Type.Null()]),
  when: Type.Union([Type.Literal('ip_full'), Type.Literal('always')], {
    description: 'always: with every request. ip_full: after a CAPTCHA_REQUIRED',
  }),
});

export type CaptchaRoutesConfig = Pick<
  ApiConfig,
  'CAPTCHA_PROVIDER' | 'CAPTCHA_SECRET' | 'CAPTCHA_SITE_KEY' | 'CAPTCHA_WHEN'
>;

/** What a page needs to show the captcha. Nothing here counts or costs: a challenge is one HMAC. */
export const captchaRoutes =
  (config: CaptchaRoutesConfig): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/v1/captcha',
      {
        schema: {
          summary: 'Which captcha to show',
          description:
            'The widget must be given the action (`resend` or `register`) where its provider knows actions. Send its answer as `captchaToken`.',
          tags,
          response: { 200: CaptchaAnswer },
        },
      },
      async () => ({
        ok: true as const,
        provider: config.CAPTCHA_PROVIDER,
        siteKey: config.CAPTCHA_SITE_KEY ?? null,
        when: config.CAPTCHA_WHEN,
      }),
    );

    app.get(
      '/v1/captcha/challenge',
      {
        schema: {
          summary: 'A proof of work to solve',
          description: 'For the ALTCHA widget (version 2), with CAPTCHA_PROVIDER=altcha; otherwise 404.',
          tags,
          querystring: Type.Object({ action: Type.Optional(Action) }, { additionalProperties: false }),
          response: { 200: Challenge, ...problems(400, 404) },
        },
      },
      async (request, reply) => {
        const secret = config.CAPTCHA_SECRET;
        if (config.CAPTCHA_PROVIDER !== 'altcha' || secret === undefined) throw new ProblemError('NOT_FOUND');
        const challenge = await makeAltchaChallenge(request.query.action ?? 'resend', secret, new Date());
        // Sent as it was made: the signature covers these very bytes.
        return reply
          .header('cache-control', 'no-store')
          .type('application/json; charset=utf-8')
          .serializer(JSON.stringify)
          .send(challenge as never);
      },
    );
  };
