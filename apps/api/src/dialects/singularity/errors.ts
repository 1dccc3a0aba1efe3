import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '@reconfirm/core/app-error';
import { isUnavailable } from '@reconfirm/db/database';
import { asProblem } from '../../error-to-problem.ts';
import { toldPath } from '../../told-path.ts';

/** Every refusal of this contract by its code, with its status and sentence. */
export const singularityErrors = {
  EMAIL_ALREADY_VERIFIED: { status: 304, message: "The user's email is already verified." },
  INVALID_REQUEST: { status: 400, message: 'The request is not valid.' },
  CLIENT_ADDRESS_INVALID: { status: 400, message: 'The signed client address is not valid.' },
  CLIENT_ADDRESS_STALE: { status: 400, message: 'The client address was signed too long ago.' },
  EMAIL_DISPOSABLE: { status: 400, message: 'Disposable email addresses are not accepted.' },
  PASSWORD_TOO_WEAK: { status: 400, message: 'The password does not meet the requirements.' },
  ACCESS_TOKEN_EXPIRED: { status: 401, message: 'The access token is expired.' },
  ACCESS_TOKEN_INVALID: { status: 401, message: 'The access token is not valid.' },
  AUTHENTICATION_REQUIRED: { status: 401, message: 'Authentication is required.' },
  EMAIL_VERIFICATION_TOKEN_EXPIRED: { status: 401, message: 'The email verification token is expired.' },
  EMAIL_VERIFICATION_TOKEN_INVALID: { status: 401, message: 'The email verification token is not valid.' },
  EMAIL_VERIFICATION_TOKEN_MISSING: { status: 401, message: 'The email verification token is missing.' },
  PASSWORD_RESET_TOKEN_EXPIRED: { status: 401, message: 'The password reset token is expired.' },
  PASSWORD_RESET_TOKEN_INVALID: { status: 401, message: 'The password reset token is not valid.' },
  PASSWORD_RESET_TOKEN_MISSING: { status: 401, message: 'The password reset token is missing.' },
  NOT_FOUND: { status: 404, message: 'There is nothing at this path.' },
  USER_NOT_FOUND: { status: 404, message: 'User not found.' },
  EMAIL_ALREADY_TAKEN: { status: 409, message: 'The email belongs to another account by now.' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The body is too large.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: 'Send JSON with Content-Type application/json.' },
  EMAIL_COOLDOWN_ACTIVE: {
    status: 429,
    message: 'Failed to send the email because the cooldown is active.',
  },
  RATE_LIMIT_EXCEEDED: { status: 429, message: 'Too many requests.' },
  ACCESS_TOKEN_ALLOWLIST_READING_FAILURE: {
    status: 500,
    message: 'It could not be found out whether the access token is still valid.',
  },
  DATABASE_FAILURE: { status: 500, message: 'The database could not process the request.' },
  EMAIL_COOLDOWN_CACHE_FAILURE: { status: 500, message: 'The cooldown could not be read or set.' },
  INTERNAL_SERVER_ERROR: { status: 500, message: 'Something went wrong on our side.' },
  EMAIL_DISABLED: { status: 503, message: 'Email is disabled.' },
  SERVICE_BUSY: { status: 503, message: 'Too much is waiting to be done; try again.' },
} as const satisfies Record<string, { readonly status: number; readonly message: string }>;

export type SingularityCode = keyof typeof singularityErrors;

/** A refusal on its way to the caller, in this contract's own form. */
export class SingularityError extends Error {
  readonly code: SingularityCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: SingularityCode,
    options: ErrorOptions & {
      readonly message?: string;
      /** Where a setting chooses another status than the documented one. */
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(options.message ?? singularityErrors[code].message, { cause: options.cause });
    this.name = 'SingularityError';
    this.code = code;
    this.status = options.status ?? singularityErrors[code].status;
    this.headers = options.headers ?? {};
  }
}

/** The Singularity contract’s envelope; nothing of it repeats an address, a token or a cause. */
export const answerError = (
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const { code, status, message, headers } = error instanceof SingularityError ? error : translate(error);
  if (status >= 500 && code !== 'EMAIL_DISABLED') request.log.error({ err: error }, 'request.failed');
  void reply.code(status).headers({ ...headers, 'x-error-code': code });
  // A 304 has no content (RFC 9110, 15.4.5).
  if (status === 304) return reply.send();
  return reply
    .serializer(JSON.stringify)
    .header('content-type', 'application/json; charset=utf-8')
    .send({
      timestamp: new Date().toISOString(),
      status,
      code,
      error: STATUS_CODES[status] ?? 'Error',
      message,
      path: toldPath(request.url),
    });
};

const retrySoon = { 'retry-after': '2' } as const;

/** What the server, the limiter and the stores refuse, in this contract's words. */
const translate = (error: FastifyError): SingularityError => {
  if (error instanceof AppError)
    return new SingularityError(codesOfFaults[error.code], { headers: retrySoon });
  if (isUnavailable(error)) return new SingularityError('DATABASE_FAILURE', { headers: retrySoon });
  const problem = asProblem(error);
  const { reason } = problem;
  if (reason === 'CLIENT_ADDRESS_INVALID' || reason === 'CLIENT_ADDRESS_STALE')
    return new SingularityError(reason);
  switch (problem.statusCode) {
    case 400: {
      const fields = problem.errors.map(({ field, message }) => `${field} ${message}`).join(', ');
      return new SingularityError(
        'INVALID_REQUEST',
        fields === '' ? {} : { message: `Not valid: ${fields}.` },
      );
    }
    case 404:
      return new SingularityError('NOT_FOUND');
    case 413:
      return new SingularityError('PAYLOAD_TOO_LARGE');
    case 415:
      return new SingularityError('UNSUPPORTED_MEDIA_TYPE');
    default:
      return new SingularityError('INTERNAL_SERVER_ERROR');
  }
};

const codesOfFaults = {
  database_unavailable: 'DATABASE_FAILURE',
  outcome_unknown: 'DATABASE_FAILURE',
  limiter_unavailable: 'EMAIL_COOLDOWN_CACHE_FAILURE',
  passwords_busy: 'SERVICE_BUSY',
  examinations_busy: 'SERVICE_BUSY',
  issuer_unavailable: 'ACCESS_TOKEN_ALLOWLIST_READING_FAILURE',
  provider_unavailable: 'SERVICE_BUSY',
  internal: 'INTERNAL_SERVER_ERROR',
} as const satisfies Record<AppError['code'], SingularityCode>;
