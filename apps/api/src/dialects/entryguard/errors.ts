import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { asProblem } from '../../error-to-problem.ts';
import type { ProblemError } from '../../problem.ts';
import { toldPath } from '../../told-path.ts';

/** Every refusal of this contract, with its status and sentence. `code` is ours; the EntryGuard document has sentences only. */
export const entryguardErrors = {
  VALIDATION_FAILED: { status: 400, message: 'Validation failed' },
  CLIENT_ADDRESS_INVALID: { status: 400, message: 'The signed client address is not valid' },
  CLIENT_ADDRESS_STALE: { status: 400, message: 'The client address was signed too long ago' },
  EMAIL_ALREADY_IN_USE: { status: 400, message: 'A user with this email already exists' },
  USER_LIMIT_REACHED: { status: 400, message: 'The organization has reached its user limit' },
  LAST_ADMIN_DELETE: { status: 400, message: 'Cannot delete the last organization admin' },
  LAST_ADMIN_DEMOTE: { status: 400, message: 'Cannot demote the last organization admin' },
  LAST_ADMIN_DEACTIVATE: { status: 400, message: 'Cannot deactivate the last organization admin' },
  PASSWORD_TOO_WEAK: { status: 400, message: 'The password does not meet the password policy' },
  INVITE_TOKEN_INVALID: { status: 400, message: 'The token is not valid' },
  INVITE_TOKEN_EXPIRED: {
    status: 400,
    message: 'The invitation has expired; ask the person who invited you for a new one',
  },
  INVITE_TOKEN_USED: { status: 400, message: 'The invitation has been accepted already; sign in instead' },
  INVITE_TOKEN_SUPERSEDED: {
    status: 400,
    message: 'A newer invitation was sent; use the link of the newest mail',
  },
  INVITE_TOKEN_REVOKED: {
    status: 400,
    message: 'The invitation was withdrawn; ask the person who invited you',
  },
  RECOVERY_TOKEN_EXPIRED: { status: 400, message: 'The link to reset the password has expired' },
  RECOVERY_TOKEN_USED: { status: 400, message: 'The link to reset the password has been used already' },
  RECOVERY_TOKEN_SUPERSEDED: {
    status: 400,
    message: 'A newer link to reset the password was sent; use the newest mail',
  },
  USER_DEACTIVATED: { status: 400, message: 'The user is deactivated' },
  AUTHENTICATION_REQUIRED: { status: 401, message: 'Authentication is required' },
  CREDENTIALS_INVALID: { status: 401, message: 'The credentials are not valid' },
  CREDENTIALS_EXPIRED: { status: 401, message: 'The access token has expired' },
  ACCESS_DENIED: { status: 403, message: 'Organization admin access is required' },
  USER_NOT_FOUND: { status: 404, message: 'User not found' },
  INVITATION_NOT_FOUND: { status: 404, message: 'The user has no invitation' },
  NOT_FOUND: { status: 404, message: 'There is nothing here' },
  INVITATION_ALREADY_ACCEPTED: { status: 409, message: 'The invitation has been accepted already' },
  INVITATION_REVOKED: {
    status: 409,
    message: 'The invitation was withdrawn; send it again to bring it back',
  },
  INVITATION_NOT_SENT: {
    status: 409,
    message: 'The invitation has not been sent yet; its lifetime begins when it is',
  },
  USER_INACTIVE: { status: 409, message: 'The user is deactivated; activate it first' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: 'Send JSON with Content-Type application/json' },
  TOO_MANY_INVITATIONS: { status: 429, message: 'Too many invitations' },
  SERVICE_UNAVAILABLE: { status: 500, message: 'The request could not be processed now; try again' },
  INTERNAL_ERROR: { status: 500, message: 'Something went wrong on our side' },
} as const satisfies Record<string, { readonly status: number; readonly message: string }>;

export type EntryguardCode = keyof typeof entryguardErrors;

/** A refusal on its way to the caller, in this contract's own form. */
export class EntryguardError extends Error {
  readonly code: EntryguardCode;
  readonly validationErrors: Readonly<Record<string, string>> | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: EntryguardCode,
    options: {
      readonly message?: string;
      readonly validationErrors?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(options.message ?? entryguardErrors[code].message);
    this.name = 'EntryguardError';
    this.code = code;
    this.validationErrors = options.validationErrors;
    this.headers = options.headers ?? {};
  }
}

/** One field at fault. */
export const invalidField = (field: string, message: string): EntryguardError =>
  new EntryguardError('VALIDATION_FAILED', { validationErrors: { [field]: message } });

/** The EntryGuard contract’s error body; nothing of it repeats an address, a token or a cause. */
export const answerError = (
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const known = error instanceof EntryguardError ? error : translate(asProblem(error));
  const { status } = entryguardErrors[known.code];
  if (status >= 500) request.log.error({ err: error }, 'request.failed');
  return reply
    .code(status)
    .serializer(JSON.stringify)
    .headers({ ...known.headers, 'content-type': 'application/json; charset=utf-8' })
    .send({
      timestamp: new Date().toISOString(),
      status,
      error: STATUS_CODES[status] ?? 'Error',
      code: known.code,
      message: known.message,
      path: toldPath(request.url),
      ...(status === 400 ? { validationErrors: known.validationErrors ?? {} } : {}),
    });
};

/** What the server itself refuses, in this contract's words. */
const translate = (problem: ProblemError): EntryguardError => {
  const { headers, reason } = problem;
  if (reason === 'CLIENT_ADDRESS_INVALID' || reason === 'CLIENT_ADDRESS_STALE')
    return new EntryguardError(reason);
  switch (problem.statusCode) {
    case 400:
      return new EntryguardError('VALIDATION_FAILED', {
        validationErrors: Object.fromEntries(problem.errors.map(({ field, message }) => [field, message])),
      });
    case 404:
      return new EntryguardError('NOT_FOUND');
    case 413:
      return new EntryguardError('PAYLOAD_TOO_LARGE');
    case 415:
      return new EntryguardError('UNSUPPORTED_MEDIA_TYPE');
    case 503:
      return new EntryguardError('SERVICE_UNAVAILABLE', { headers });
    default:
      return new EntryguardError('INTERNAL_ERROR');
  }
};
