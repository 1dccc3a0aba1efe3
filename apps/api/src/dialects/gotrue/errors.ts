import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '@reconfirm/core/app-error';
import { isUnavailable } from '@reconfirm/db/database';
import { ProblemError } from '../../problem.ts';

/** A refusal as GoTrue clients know it. Thrown by routes, answered by `answerError`. */
export class GotrueError extends Error {
  readonly statusCode: number;
  readonly errorCode: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Members that some refusals have besides. */
  readonly more: Readonly<Record<string, unknown>>;

  constructor(
    statusCode: number,
    errorCode: string,
    message: string,
    options: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly more?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message);
    this.name = 'GotrueError';
    this.statusCode = statusCode;
    this.errorCode = errorCode;
    this.headers = options.headers ?? {};
    this.more = options.more ?? {};
  }
}

export const invalid = (message: string): GotrueError => new GotrueError(400, 'validation_failed', message);

/** The one dated version of this API; without it, or with an older one, errors have their first form. */
const apiVersion = '2024-01-01';
export const apiVersionHeader = 'x-supabase-api-version';
export const errorCodeHeader = 'x-sb-error-code';

const wantsVersion = (request: FastifyRequest): boolean => {
  const asked = request.headers[apiVersionHeader];
  return typeof asked === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(asked) && asked >= apiVersion;
};

/** Every answer of this contract that is not a success. It repeats nothing of the request. */
export const answerError = (
  error: FastifyError | GotrueError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const refusal = error instanceof GotrueError ? error : asGotrueError(error);
  if (refusal.statusCode >= 500) request.log.error({ err: error }, 'request.failed');
  const { statusCode, errorCode, message, more, headers } = refusal;
  const body = wantsVersion(request)
    ? { code: errorCode, message, ...more }
    : { code: statusCode, error_code: errorCode, msg: message, ...more };
  if (wantsVersion(request)) reply.header(apiVersionHeader, apiVersion);
  return reply
    .code(statusCode)
    .serializer(JSON.stringify)
    .headers({
      ...headers,
      [errorCodeHeader]: errorCode,
      'content-type': 'application/json; charset=utf-8',
    })
    .send(body);
};

const unavailable = (retryAfterSeconds = 2): GotrueError =>
  new GotrueError(503, 'unexpected_failure', 'The service cannot do this right now. Try again in a moment.', {
    headers: { 'retry-after': String(retryAfterSeconds) },
  });

const notJson = 'Could not parse request body as JSON';

/** Fastify's own refusals by their code; anything unknown is a fault of ours. */
const asGotrueError = (error: FastifyError): GotrueError => {
  if (error instanceof AppError && error.code !== 'internal') return unavailable(error.retryAfterSeconds);
  if (error instanceof ProblemError && error.statusCode === 400)
    return new GotrueError(400, error.reason.toLowerCase(), error.message);
  if (error.validation !== undefined)
    return error.validationContext === 'body'
      ? new GotrueError(400, 'bad_json', `${notJson}: ${fieldOf(error)} has the wrong type`)
      : invalid(`${fieldOf(error)} is not valid`);
  switch (error.statusCode ?? 500) {
    case 400:
      return new GotrueError(400, 'bad_json', notJson);
    case 404:
      return new GotrueError(404, 'not_found', 'There is nothing at this path');
    case 413:
      return new GotrueError(413, 'validation_failed', 'The request body is too large');
    case 415:
      return new GotrueError(415, 'bad_json', `${notJson}: send it with Content-Type application/json`);
    default:
      return isUnavailable(error)
        ? unavailable()
        : new GotrueError(500, 'unexpected_failure', 'Unexpected failure, please check server logs');
  }
};

/** A name of a field of ours; anything else in its place may be a secret. */
const fieldOf = (error: FastifyError): string => {
  const path = error.validation?.[0]?.instancePath.split('/').filter((part) => part !== '') ?? [];
  const field = path.join('.');
  return /^[a-z_.]{1,60}$/.test(field) ? field : 'the body';
};
