import { AppError } from '@reconfirm/core/app-error';
import { wasNotWritten } from '@reconfirm/db/database';

/** The fault of a write that failed, by whether it certainly changed nothing. */
export const writeFault = (cause: unknown): AppError =>
  wasNotWritten(cause)
    ? new AppError('database_unavailable', 'the request could not be written', {
        cause,
        retryAfterSeconds: 2,
      })
    : new AppError('outcome_unknown', 'the answer to the write was lost', { cause, retryAfterSeconds: 2 });
