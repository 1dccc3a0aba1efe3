import { expect } from 'vitest';
import type { ErrorReason } from '@reconfirm/core/error-codes';
import type { Answer } from './requests.ts';

/** The members that every refusal has, as parsed. */
export interface ProblemBody {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly detail: string;
  readonly instance: string;
  readonly errors?: readonly { readonly field: string; readonly message: string; readonly code: string }[];
}

/** Checks a refusal as RFC 9457 and the contract want it, and that it tells nothing of the inside. */
export const expectProblem = (
  answer: Answer,
  expected: { readonly status: number; readonly reason: ErrorReason; readonly code?: string },
): ProblemBody => {
  expect({ status: answer.statusCode, body: answer.body }).toMatchObject({ status: expected.status });
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  const problem = answer.json<ProblemBody>();
  expect(problem).toMatchObject({
    type: expect.stringMatching(/^https:\/\//) as string,
    title: expect.any(String) as string,
    detail: expect.any(String) as string,
    requestId: expect.any(String) as string,
    ...expected,
  });
  expect(problem.instance).not.toContain('?');
  expect(answer.body).not.toMatch(/\bat [\w.<>]+ \(|node:internal|\.ts:\d|SELECT |INSERT |postgres/i);
  return problem;
};

/** The fields that a refusal names, in its order. */
export const fieldsOf = (problem: ProblemBody): readonly string[] =>
  (problem.errors ?? []).map((error) => error.field);
