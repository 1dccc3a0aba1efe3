/**
 * A fault that an operator or the next attempt must deal with; expected results are values, not this.
 * `code` goes to the caller, `message` and `cause` to the log only.
 */
export class AppError extends Error {
  readonly code: FaultCode;
  /** Whole seconds after which a caller may usefully try again, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: FaultCode, message: string, options?: ErrorOptions & { retryAfterSeconds?: number }) {
    super(message, options);
    this.name = 'AppError';
    this.code = code;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}

/** Faults that a caller can be told about. */
export type FaultCode =
  | 'database_unavailable'
  | 'limiter_unavailable'
  /** The answer to a write was lost: it may have been committed, so nothing that it paid for is given back. */
  | 'outcome_unknown'
  /** More passwords wait to be hashed than can be hashed in time. */
  | 'passwords_busy'
  /** The keys of a foreign issuer cannot be had, and none are remembered. */
  | 'issuer_unavailable'
  /** More examinations of the sender wait than can be made in time. */
  | 'examinations_busy'
  /** A provider could not be asked for what its webhook is judged by. */
  | 'provider_unavailable'
  | 'internal';
