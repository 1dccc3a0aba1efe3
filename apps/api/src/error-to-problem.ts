import type { FastifyError } from 'fastify';
import { AppError } from '@reconfirm/core/app-error';
import { isUnavailable } from '@reconfirm/db/database';
import { ProblemError } from './problem.ts';

/** A body of 16 KiB can hold thousands of unknown fields; nobody reads more than this many. */
const fieldErrorsMax = 20;

/** Fastify's own refusals by their code; anything unknown is a fault of ours. */
export const asProblem = (error: FastifyError): ProblemError => {
  if (error instanceof ProblemError) return error;
  if (error instanceof AppError && error.code !== 'internal')
    return new ProblemError('SERVICE_UNAVAILABLE', {
      headers: { 'retry-after': String(error.retryAfterSeconds ?? 2) },
    });
  if (error.validation !== undefined)
    return new ProblemError('VALIDATION_FAILED', {
      errors: error.validation.slice(0, fieldErrorsMax).map((v) => ({
        field: fieldOf(v.instancePath, v.params),
        message: v.message ?? 'is not valid',
        code: v.keyword,
      })),
    });
  // Paths that the router cannot read.
  if (error.code === 'FST_ERR_BAD_URL' || error.code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new ProblemError('NOT_FOUND');
  switch (error.statusCode ?? 500) {
    case 400:
      return new ProblemError('MALFORMED_JSON');
    case 413:
      return new ProblemError('PAYLOAD_TOO_LARGE');
    case 415:
      return new ProblemError('UNSUPPORTED_MEDIA_TYPE');
    default:
      return isUnavailable(error)
        ? new ProblemError('SERVICE_UNAVAILABLE', { headers: { 'retry-after': '2' } })
        : new ProblemError('INTERNAL_ERROR');
  }
};

/** A name of a field; a longer or stranger one is not repeated, because it may be a token in the wrong place. */
const fieldName = /^[A-Za-z_][A-Za-z0-9_.-]{0,40}$/;

const fieldOf = (instancePath: string, params: Record<string, unknown>): string => {
  const named = params['missingProperty'] ?? params['additionalProperty'];
  const path = instancePath.split('/').filter((part) => part !== '');
  const field = [...path, ...(typeof named === 'string' ? [named] : [])].join('.');
  return fieldName.test(field) ? field : 'body';
};
