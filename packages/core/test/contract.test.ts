import { describe, expect, test } from 'vitest';
import { contractNames, linkPageOf, parseContracts } from '../src/contract.ts';

describe('CONTRACTS', () => {
  test.each([
    ['v1', ['v1']],
    [' gotrue , v1,gotrue', ['v1', 'gotrue']],
    [contractNames.join(','), contractNames],
  ])('%s names contracts, each once', (text, names) => expect(parseContracts(text)).toEqual(names));

  test.each(['v2', 'v1,entry', 'V1', 'toString', '', ' , '])('%j is told in a sentence', (text) =>
    expect(parseContracts(text)).toEqual({
      problem: expect.stringMatching(/must list .*v1, gotrue/) as string,
    }),
  );
});

describe('the page of a link', () => {
  test.each([
    ['signup', 'signup'],
    ['invitation', 'invite'],
    ['recovery', 'recovery'],
    ['magiclink', 'magiclink'],
    ['email_change', 'email_change'],
  ])('of GoTrue for %s is its own, whatever redirect was asked for', (purpose, type) =>
    expect(linkPageOf('gotrue', purpose)).toEqual({
      path: '/auth/v1/verify',
      query: { type },
      yieldsTo: 'none',
    }),
  );

  test.each([
    ['v1', 'signup'],
    ['v1', 'magiclink'],
    ['service', 'email_changed'],
    ['gotrue', 'email_changed'],
    ['of a newer version', 'signup'],
    ['gotrue', 'toString'],
  ])('of %s for %s is v1’s, and gives way to a redirect', (contract, purpose) =>
    expect(linkPageOf(contract, purpose)).toMatchObject({
      path: '/v1/verify-email',
      yieldsTo: 'redirect_of_request_or_account',
    }),
  );

  test.each([
    ['v1', 'recovery'],
    ['singularity', 'recovery'],
    ['entryguard', 'invitation'],
  ])('of %s for %s sets a password, and gives way to a redirect of its request alone', (contract, purpose) =>
    expect(linkPageOf(contract, purpose)).toMatchObject({
      path: '/v1/set-password',
      yieldsTo: 'redirect_of_request',
    }),
  );
});
