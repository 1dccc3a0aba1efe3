import type { ErrorReason } from '@reconfirm/core/error-codes';
import { ProblemError } from './problem.ts';
import type { ResendOutcome } from './resend.ts';

type Reason = Extract<ResendOutcome, { kind: 'sms_refused' }>['reason'];

const reasons = {
  sms_off: 'SMS_DISABLED',
  sms_country_not_allowed: 'SMS_COUNTRY_NOT_ALLOWED',
  sms_number_not_allowed: 'SMS_NUMBER_NOT_ALLOWED',
} as const satisfies Record<Reason, ErrorReason>;

/** What a caller is told about a number that gets no SMS; the same whoever has the number. */
export const smsProblem = (reason: Reason): ProblemError => new ProblemError(reasons[reason]);
