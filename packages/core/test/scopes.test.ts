import { expect, test } from 'vitest';
import { knownScopes, scopes } from '../src/scopes.ts';

test('every scope is an object and an action, and each is there once', () => {
  for (const scope of scopes) expect(scope).toMatch(/^[a-z]+:[a-z]+$/);
  expect(new Set(scopes).size).toBe(scopes.length);
});

test('a scope of another version is left out, and none is gained', () => {
  expect(knownScopes(['events:read', 'billing:write', 'MESSAGES:READ', 'messages:*'])).toEqual([
    'events:read',
  ]);
  expect(knownScopes([])).toEqual([]);
});
