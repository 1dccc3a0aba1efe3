import { describe, expect, test } from 'vitest';
import { errorCodes } from '../src/error-codes.ts';

describe.each(Object.entries(errorCodes))('the error %s', (reason, code) => {
  test('is an error, and spelled in one way per setting', () => {
    expect(code.status).toBeGreaterThanOrEqual(400);
    expect(code.status).toBeLessThan(600);
    for (const name of [reason, code.documented, code.specific]) expect(name).toMatch(/^[A-Z][A-Z0-9_]+$/);
  });

  test('tells a caller what it means, in sentences', () => {
    expect(code.title).toMatch(/^[A-Z].{5,}[^.]$/);
    expect(code.when).toMatch(/^[A-Z`].{15,}\.$/s);
  });
});
