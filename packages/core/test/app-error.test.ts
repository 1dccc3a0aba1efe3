import { expect, test } from 'vitest';
import { AppError } from '../src/app-error.ts';

test('a fault keeps its code, its cause and the time after which a new try makes sense', () => {
  const cause = new Error('ECONNREFUSED');
  const error = new AppError('database_unavailable', 'Postgres did not answer', {
    cause,
    retryAfterSeconds: 5,
  });
  expect(error).toBeInstanceOf(Error);
  expect([error.code, error.cause, error.retryAfterSeconds, error.name]).toEqual([
    'database_unavailable',
    cause,
    5,
    'AppError',
  ]);
});

test('without a known time none is told', () =>
  expect(new AppError('internal', 'x').retryAfterSeconds).toBeUndefined());
