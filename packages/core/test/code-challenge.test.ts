import { describe, expect, test } from 'vitest';
import { readCodeChallenge, s256Of } from '../src/code-challenge.ts';

// RFC 7636, appendix B.
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

describe('a code challenge', () => {
  test('is the one of RFC 7636', () => expect(s256Of(verifier)).toBe(challenge));

  test.each([
    [undefined, undefined],
    [null, null],
    ['', null],
  ])('%j with method %j is none', (given, method) => expect(readCodeChallenge(given, method)).toBeNull());

  test.each(['s256', 'S256'])('of method %s is kept as it is', (method) =>
    expect(readCodeChallenge(challenge, method)).toEqual({ s256: challenge }),
  );

  test('of method plain is kept as its hash: what is stored is never a verifier', () =>
    expect(readCodeChallenge(verifier, 'plain')).toEqual({ s256: challenge }));

  test.each([
    [challenge, null, 'incomplete'],
    [null, 's256', 'incomplete'],
    [challenge, 'sha-256', 'method'],
    ['a'.repeat(42), 's256', 'size'],
    ['a'.repeat(129), 'plain', 'size'],
    [`${'a'.repeat(43)}=`, 's256', 'characters'],
    [`${'a'.repeat(43)}\n`, 's256', 'characters'],
  ])('%j with method %j is refused: %s', (given, method, problem) =>
    expect(readCodeChallenge(given, method)).toEqual({ problem }),
  );
});
