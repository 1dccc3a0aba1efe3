import { type MessageStatus, publicStatus } from './message.ts';

/** Ways in which sending a mail ends for good, in the words of the Singularity contract. */
export type EmailFailure = 'EMAIL_SEND_FAILURE' | 'EMAIL_AUTHENTICATION_FAILURE' | 'EMAIL_TEMPLATE_FAILURE';

/**
 * What kept a mail from being sent; null while it may still go, and where none was owed. `lastFailure` is
 * the code of the last attempt: a message that was given up as too late failed for the reason before that.
 */
export const emailFailureOf = (message: {
  readonly status: MessageStatus;
  readonly reason: string | null;
  readonly lastFailure: string | null;
}): EmailFailure | null => {
  if (publicStatus(message.status) !== 'FAILED') return null;
  if (message.reason === 'not_composed') return 'EMAIL_TEMPLATE_FAILURE';
  const cause = message.reason === 'too_late' ? message.lastFailure : message.reason;
  return cause === 'auth' ? 'EMAIL_AUTHENTICATION_FAILURE' : 'EMAIL_SEND_FAILURE';
};
