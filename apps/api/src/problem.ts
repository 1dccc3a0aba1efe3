import { type ErrorReason, errorCodes } from '@reconfirm/core/error-codes';

/** One field that is at fault. The value is not repeated: it may be a token. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
  readonly code: string;
}

/** A refusal on its way to the caller. Thrown by routes and hooks, answered by the app's error handler. */
export class ProblemError extends Error {
  readonly reason: ErrorReason;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    reason: ErrorReason,
    options: {
      readonly detail?: string;
      readonly errors?: readonly FieldError[];
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(options.detail ?? errorCodes[reason].when);
    this.name = 'ProblemError';
    this.reason = reason;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }

  get statusCode(): number {
    return errorCodes[this.reason].status;
  }
}

/** RFC 9457, with the members that the v1 contract documents (`code`, `errors`) and the specific `reason`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly reason: ErrorReason;
  readonly detail: string;
  readonly instance: string;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
}

/** IANA's registered type for a used-up quota (draft-ietf-httpapi-ratelimit-headers, 6). */
const quotaExceeded = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

export const toProblem = (
  error: ProblemError,
  context: {
    readonly spelling: 'documented' | 'specific';
    readonly path: string;
    readonly requestId: string;
    readonly docsUrl: string;
  },
): Problem => {
  const code = errorCodes[error.reason];
  return {
    type: code.status === 429 ? quotaExceeded : `${context.docsUrl}#${error.reason.toLowerCase()}`,
    title: code.title,
    status: code.status,
    code: code[context.spelling],
    reason: error.reason,
    detail: error.message,
    instance: context.path,
    requestId: context.requestId,
    ...(error.errors.length > 0 ? { errors: error.errors } : {}),
  };
};
