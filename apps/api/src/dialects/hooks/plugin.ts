import { createHash } from 'node:crypto';
import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { type EmailIdentity, parseEmailAddress } from '@reconfirm/core/account';
import type { Destination } from '@reconfirm/core/destination';
import { canonicalLocale } from '@reconfirm/core/locale';
import { type AllowedPrefix, parsePhoneNumber } from '@reconfirm/core/phone';
import { priorityOf, purposes } from '@reconfirm/core/purposes/registry';
import { readGotrueEmailHook, readGotrueSmsHook } from '@reconfirm/core/relay/gotrue-hook';
import { readKratosCourier } from '@reconfirm/core/relay/kratos-courier';
import type { RelayedRequest, RelayRead } from '@reconfirm/core/relay/relayed-request';
import { judgeStandardWebhook } from '@reconfirm/core/relay/standard-webhook';
import type { Secret } from '@reconfirm/core/secret';
import { clientOfCaller } from '../../client-address.ts';
import { bearerToken, isSameSecret } from '@reconfirm/process/bearer-token';
import { asProblem } from '../../error-to-problem.ts';
import type { Resend } from '../../resend.ts';
import type { TellDecision } from '../../tell-decision.ts';
import { answerRelay, type RelayAnswer, worst } from './answers.ts';

export interface HooksDependencies {
  readonly resend: Resend;
  readonly decided: TellDecision;
  readonly organizationId: string;
  readonly identity: EmailIdentity;
  /** SMS_ALLOW_PREFIXES. */
  readonly allowedPrefixes: readonly AllowedPrefix[];
  readonly lifetimeSeconds: number;
  readonly gotrue: { readonly secrets: readonly Secret[]; readonly verifyUrl: string } | null;
  readonly kratosKey: Secret | undefined;
  readonly counted: (provider: string, outcome: string) => void;
}

/** A call carries one message; names and metadata of a person may be long. */
const bodySizeBytesMax = 64 * 1024;

/**
 * Work of authentication systems that keep their accounts and credentials and only want messages sent: the hooks
 * of GoTrue and the HTTP courier of Kratos. Each call takes the path of a resend, from intake to status.
 */
export const hooks =
  (deps: HooksDependencies): FastifyPluginAsync =>
  async (app) => {
    // A signature is over bytes, so here bodies stay bytes, whatever their type.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: bodySizeBytesMax },
      (_request, body, done) => {
        done(null, body);
      },
    );
    app.setErrorHandler((error, request, reply) => {
      const problem = asProblem(error as FastifyError);
      if (problem.statusCode >= 500) request.log.error({ err: error }, 'request.failed');
      return refuse(reply.headers(problem.headers), {
        status: problem.statusCode,
        message: problem.statusCode >= 500 ? 'The service cannot take it now; try again.' : problem.message,
      });
    });
    const hidden = { bodyLimit: bodySizeBytesMax, schema: { hide: true } };

    const gotrueHooks = { 'send-email': readGotrueEmailHook, 'send-sms': readGotrueSmsHook };
    for (const [name, readHook] of Object.entries(gotrueHooks))
      app.post(`/hooks/gotrue/${name}`, hidden, async (request, reply) => {
        const rawBody = bytesOf(request);
        const judgement = judgeStandardWebhook(
          rawBody,
          request.headers as Record<string, string | undefined>,
          deps.gotrue?.secrets ?? [],
          Date.now(),
        );
        if (!judgement.valid) return refuseCaller(request, reply, 'gotrue-hook', judgement.why);
        const { lifetimeSeconds } = deps;
        const read = readBody(rawBody, (body) =>
          readHook(body, { verifyUrl: deps.gotrue?.verifyUrl ?? '', lifetimeSeconds }),
        );
        return relay(request, reply, read, judgement.id);
      });

    app.post('/hooks/kratos/courier', hidden, async (request, reply) => {
      const given = bearerToken(request.headers.authorization);
      const isKnown =
        deps.kratosKey !== undefined && given !== undefined && isSameSecret(given, deps.kratosKey);
      if (!isKnown) return refuseCaller(request, reply, 'kratos-courier', 'mismatch');
      const rawBody = bytesOf(request);
      const read = readBody(rawBody, (body) => readKratosCourier(body, deps));
      // The courier repeats a call whose answer was lost, and names it nowhere: each has its own code or URL.
      return relay(request, reply, read, createHash('sha256').update(rawBody).digest('hex'));
    });

    const relay = async (
      request: FastifyRequest,
      reply: FastifyReply,
      read: RelayRead,
      callId: string,
    ): Promise<FastifyReply> => {
      if ('problem' in read) return refuse(reply, { status: 400, message: read.problem });
      const answers: RelayAnswer[] = [];
      for (const relayed of read.requests) answers.push(await relayOne(request, relayed, callId));
      const answer = worst(answers);
      return answer.status === 200 ? reply.send({}) : refuse(reply.headers(answer.headers ?? {}), answer);
    };

    const relayOne = async (
      request: FastifyRequest,
      relayed: RelayedRequest,
      callId: string,
    ): Promise<RelayAnswer> => {
      const destination = destinationOf(relayed);
      if ('status' in destination) return destination;
      const { template, link, code, name, lifetimeSeconds } = relayed;
      const outcome = await deps.resend({
        organizationId: deps.organizationId,
        purpose: relayed.channel === 'sms' ? purposes.relayed_sms : purposes.relayed,
        priority: priorityOf(template),
        subjectName: `relayed_${template}`,
        destination,
        redirectUrl: null,
        locale: relayed.locale === null ? null : (canonicalLocale(relayed.locale) ?? null),
        clientAddress: clientOfCaller(request, 'hooks'),
        idempotencyKey: `${callId}:${template}`,
        fingerprint: [link ?? '', code ?? ''],
        content: { kind: 'relayed', to: destination.address, template, link, code, name, lifetimeSeconds },
      });
      deps.decided(
        request,
        { what: `relayed_${template}`, organizationId: deps.organizationId, destination },
        outcome,
      );
      return answerRelay(outcome);
    };

    const destinationOf = ({ channel, to }: RelayedRequest): Destination | RelayAnswer => {
      if (channel === 'sms') {
        const number = parsePhoneNumber(to, { allowedPrefixes: deps.allowedPrefixes });
        if (!('problem' in number)) return number;
        return number.problem === 'unreadable'
          ? { status: 400, message: 'The recipient is not a phone number.' }
          : answerRelay({ kind: 'sms_refused', reason: 'sms_number_not_allowed' });
      }
      return (
        parseEmailAddress(to, deps.identity) ?? {
          status: 400,
          message: 'The recipient is not an e-mail address.',
        }
      );
    };

    const refuseCaller = (
      request: FastifyRequest,
      reply: FastifyReply,
      who: string,
      why: string,
    ): FastifyReply => {
      deps.counted(who, why);
      request.log.warn({ provider: who, reason: why }, 'webhook.refused');
      return refuse(reply, { status: 401, message: 'The caller could not be recognised.' });
    };
  };

/** GoTrue reads this shape out of a refusal (Supabase, "Auth Hooks", error handling); Kratos logs it. */
const refuse = (reply: FastifyReply, { status, message }: RelayAnswer): FastifyReply =>
  reply.code(status).send({ error: { http_code: status, message } });

const bytesOf = (request: FastifyRequest): Buffer =>
  Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);

const readBody = (rawBody: Buffer, read: (body: unknown) => RelayRead): RelayRead => {
  let body: unknown;
  try {
    body = JSON.parse(rawBody.toString());
  } catch {
    return { problem: 'the body is not JSON' };
  }
  return read(body);
};
