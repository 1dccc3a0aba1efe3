import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { PurposeName } from '@reconfirm/core/purposes/registry';
import type { ConfirmOutcome } from '../../confirm.ts';
import { confirmError, otpExpired } from './answers.ts';
import { halfConfirmed } from './callback.ts';
import type { GotrueDependencies } from './dependencies.ts';
import { invalid } from './errors.ts';
import { readDestination, textOf } from './read-request.ts';
import * as schemas from './schemas.ts';
import { openSession } from './session-answer.ts';

/** Which purposes each `type` may confirm. `email` is for a person who cannot know which mail it was. */
const verifyTypes = {
  signup: ['signup'],
  invite: ['invitation'],
  recovery: ['recovery'],
  magiclink: ['magiclink'],
  email: ['magiclink', 'signup'],
  email_change: ['email_change'],
  sms: ['sms'],
  phone_change: ['phone_change'],
} as const satisfies Record<string, readonly [PurposeName, ...PurposeName[]]>;

type VerifyType = keyof typeof verifyTypes;

const isVerifyType = (type: string): type is VerifyType => Object.hasOwn(verifyTypes, type);

const isPhoneType = (type: VerifyType): boolean => type === 'sms' || type === 'phone_change';

/** Links and codes, by call. */
export const verifyRoutes =
  (deps: GotrueDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/verify',
      {
        schema: {
          summary: 'Confirm by code or by the token of a link',
          description:
            'Uses it up and opens a session. The token of a link is `token_hash`; `token` is the six digits, with the email or phone they went to. Spaces, dashes and digits of other scripts are forgiven.',
          tags: ['Verification'],
          querystring: schemas.RedirectQuery,
          body: schemas.VerifyBody,
          response: {
            200: { anyOf: [schemas.Session, schemas.HalfConfirmed] },
            ...schemas.errors(400, 403, 413, 415, 422, 429, 500, 503),
          },
        },
      },
      async (request, reply) => {
        reply.header('cache-control', 'no-store');
        const outcome = await confirm(request.body);
        request.log.info({ outcome: outcome.kind }, 'token.presented');
        if (outcome.kind !== 'confirmed') throw confirmError(outcome);
        // Used before: it opens nothing again.
        if (!outcome.now) throw otpExpired();
        const { change, accountId } = outcome.token;
        if (change !== null && !(await deps.isChangeComplete(change.id)))
          return { msg: halfConfirmed, code: '200' as const };
        return openSession(deps, accountId);
      },
    );

    const confirm = (body: schemas.VerifyInput): Promise<ConfirmOutcome> => {
      const type = textOf(body.type);
      const [token, tokenHash] = [textOf(body.token), textOf(body.token_hash)];
      if (type === '') throw invalid('Verify requires a verification type');
      if (!isVerifyType(type)) throw invalid('Unsupported verification type');
      if (token === '' && tokenHash === '') throw invalid('Verify requires either a token or a token hash');
      const [purpose, ...orPurposes] = verifyTypes[type];
      if (token === '') {
        if (textOf(body.email) !== '' || textOf(body.phone) !== '')
          throw invalid('Only the token_hash and type should be provided');
        return deps.confirm.byLink(tokenHash, [purpose, ...orPurposes]);
      }
      const of = readDestination(
        isPhoneType(type) ? { phone: body.phone } : { email: body.email },
        deps.rules,
        {
          both: 'Only an email address or phone number should be provided on verify',
          none: 'Only an email address or phone number should be provided on verify',
        },
      );
      return deps.confirm.byCode({
        organizationId: deps.organizationId,
        purpose,
        orPurposes,
        of,
        code: token,
      });
    };
  };
