import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Destination } from '@reconfirm/core/destination';
import { type PurposeName, purposes } from '@reconfirm/core/purposes/registry';
import { Secret } from '@reconfirm/core/secret';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OneTimeCodeOutcome } from '../../one-time-code.ts';
import { answerMessage } from './answers.ts';
import type { GotrueDependencies } from './dependencies.ts';
import { GotrueError, invalid } from './errors.ts';
import {
  type Maybe,
  readDestination,
  readEmail,
  readMetadata,
  readRemembered,
  type Remembered,
  signUpsClosed,
  textOf,
} from './read-request.ts';
import * as schemas from './schemas.ts';
import { signedUpUser } from './user.ts';

/** The union of what GoTrue and applications on it name. */
const resendTypes = {
  signup: 'signup',
  recovery: 'recovery',
  magiclink: 'magiclink',
  email_change: 'email_change',
  sms: 'sms',
  phone_change: 'phone_change',
} as const satisfies Record<string, PurposeName>;

const isResendType = (type: string): type is keyof typeof resendTypes => Object.hasOwn(resendTypes, type);

/** What anybody may ask for: sign-ups, one-time codes, recovery, and every message again. */
export const messageRoutes =
  (deps: GotrueDependencies): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { rules, organizationId } = deps;
    const shared = {
      tags: ['Messages'],
      querystring: schemas.RedirectQuery,
      response: { 200: schemas.MessageAnswer, ...schemas.errors(400, 413, 415, 422, 429, 500, 503) },
    };

    app.post(
      '/resend',
      {
        schema: {
          ...shared,
          summary: 'Send a message again',
          description:
            'Answers alike for every address and number. `email_change` and `phone_change` name the account by the address or number that it has now; the mails go to those sides of its pending change that have not confirmed.',
          body: schemas.ResendBody,
        },
      },
      async (request, reply) => {
        const { body } = request;
        const purpose = purposes[readResendType(body)];
        const destination = readDestination(body, rules, {
          both: 'Only an email address or phone number should be provided.',
          none: 'Missing email address or phone number',
        });
        requireChannel(purpose.channel, destination);
        const asked = readRemembered(request, body, deps, organizationId);
        const outcome = await deps.resend({
          organizationId,
          purpose,
          destination,
          ...asked,
          idempotencyKey: undefined,
        });
        return answer(request, reply, { what: purpose.name, destination, asked }, outcome);
      },
    );

    app.post(
      '/otp',
      {
        schema: {
          ...shared,
          summary: 'Sign in by a one-time code',
          description:
            'A mail with a link and a code, or a code by SMS. Somebody new gets an account by it, unless create_user is false.',
          body: schemas.OtpBody,
        },
      },
      async (request, reply) => {
        const { body } = request;
        const destination = readDestination(body, rules, {
          both: 'Only an email address or phone number should be provided',
          none: 'One of email or phone must be set',
        });
        return askOneTimeCode(request, reply, destination, body);
      },
    );

    app.post(
      '/magiclink',
      { schema: { ...shared, summary: 'Sign in by a link', body: schemas.EmailBody } },
      async (request, reply) => {
        const { body } = request;
        return askOneTimeCode(request, reply, readNeededEmail(body.email), body);
      },
    );

    app.post(
      '/recover',
      { schema: { ...shared, summary: 'Get back in without the password', body: schemas.EmailBody } },
      async (request, reply) => {
        const { body } = request;
        const destination = readNeededEmail(body.email);
        const asked = readRemembered(request, body, deps, organizationId);
        const purpose = purposes.recovery;
        const outcome = await deps.resend({
          organizationId,
          purpose,
          destination,
          ...asked,
          idempotencyKey: undefined,
        });
        return answer(request, reply, { what: purpose.name, destination, asked }, outcome);
      },
    );

    app.post(
      '/signup',
      {
        schema: {
          ...shared,
          summary: 'Register',
          description:
            'Answers the user that is to confirm, and the same for an address that has an account, which stays as it is: only the owner of the mailbox finds out. The password counts once the mail is confirmed that came with it.',
          body: schemas.SignUpBody,
          response: { ...shared.response, 200: schemas.User },
        },
      },
      async (request, reply) => {
        const { body } = request;
        if (!rules.signUpOpen) throw signUpsClosed();
        if (textOf(body.password) === '') throw invalid('Signup requires a valid password');
        const destination = readDestination(body, rules, {
          both: 'Only an email address or phone number should be provided on signup.',
          none: 'To signup, please provide your email',
        });
        const asked = readRemembered(request, body, deps, organizationId);
        const metadata = readMetadata(body.data);
        const outcome = await deps.signUp({
          organizationId,
          destination,
          purpose: destination.channel === 'sms' ? purposes.sms : purposes.signup,
          password: new Secret(textOf(body.password)),
          metadata,
          ...asked,
        });
        deps.decided(request, { what: 'signup', organizationId, destination }, outcome);
        const { headers } = answerMessage(outcome, {
          channel: destination.channel,
          passwordSizeMin: rules.passwordSizeMin,
        });
        if (outcome.kind !== 'accepted')
          throw new GotrueError(500, 'unexpected_failure', 'Unexpected failure');
        return reply
          .headers({ ...headers, 'set-cookie': asked.setCookie })
          .send(signedUpUser({ id: outcome.accountId, destination, metadata, at: new Date() }));
      },
    );

    const askOneTimeCode = async (
      request: FastifyRequest,
      reply: FastifyReply,
      destination: Destination,
      body: Parameters<typeof readRemembered>[1] & {
        readonly data?: Maybe<Readonly<Record<string, unknown>>>;
        readonly create_user?: Maybe<boolean>;
      },
    ) => {
      const asked = readRemembered(request, body, deps, organizationId);
      const outcome = await deps.oneTimeCode({
        organizationId,
        destination,
        ...asked,
        metadata: readMetadata(body.data),
        createsAccount: body.create_user ?? true,
      });
      return answer(request, reply, { what: 'otp', destination, asked }, outcome);
    };

    const readNeededEmail = (email: Maybe<string>) => {
      if (textOf(email) === '') throw invalid('An email address is required');
      return readEmail(textOf(email), rules);
    };

    const answer = (
      request: FastifyRequest,
      reply: FastifyReply,
      asked: { readonly what: string; readonly destination: Destination; readonly asked: Remembered },
      outcome: OneTimeCodeOutcome,
    ) => {
      const { what, destination } = asked;
      deps.decided(request, { what, organizationId, destination }, outcome);
      const { messageId, headers } = answerMessage(outcome, {
        channel: destination.channel,
        passwordSizeMin: rules.passwordSizeMin,
      });
      const carriesId = rules.messageId === 'always' || destination.channel === 'sms';
      return reply
        .headers({ ...headers, 'set-cookie': asked.asked.setCookie })
        .send(carriesId ? { message_id: messageId } : {});
    };
  };

/** What is to be sent again; the order of the refusals is the contract's. */
const readResendType = (body: {
  readonly type?: Maybe<string>;
  readonly email?: Maybe<string>;
  readonly phone?: Maybe<string>;
}): PurposeName => {
  const type = textOf(body.type);
  if (!isResendType(type))
    throw invalid('Missing one of these types: signup, email_change, sms, phone_change');
  const byMail: readonly string[] = ['signup', 'recovery', 'magiclink'];
  if (textOf(body.email) === '' && byMail.includes(type))
    throw invalid('Type provided requires an email address');
  if (textOf(body.phone) === '' && type === 'sms') throw invalid('Type provided requires a phone number');
  return resendTypes[type];
};

/** Of a change: it is asked for by what the account has on the channel that changes. */
const requireChannel = (channel: Destination['channel'], destination: Destination): void => {
  if (destination.channel === channel) return;
  throw invalid(
    channel === 'email' ? 'Type provided requires an email address' : 'Type provided requires a phone number',
  );
};
