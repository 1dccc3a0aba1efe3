import type { ErrorReason } from '@reconfirm/core/error-codes';
import { expectProblem } from './problems.ts';
import type { Answer } from './requests.ts';

/** Checks that a request was refused, and why. */
export const expectRefused = (answer: Answer, reason: ErrorReason, status = 400): void => {
  expectProblem(answer, { status, reason });
};
