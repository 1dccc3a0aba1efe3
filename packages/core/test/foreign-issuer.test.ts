import { expect, test } from 'vitest';
import { parseForeignIssuers } from '../src/foreign-issuer.ts';

const organizationId = '00000000-0000-7000-8000-000000000001';
const one = 'https://id.example|https://id.example/jwks.json|reconfirm|ES256 RS256';

test('nothing given is no issuer', () => {
  expect(parseForeignIssuers('')).toEqual([]);
  expect(parseForeignIssuers(' , ')).toEqual([]);
});

test('several issuers are read with their parts, the organization where it is given', () => {
  expect(parseForeignIssuers(`${one}, auth|http://127.0.0.1:9/keys | a b |EdDSA|${organizationId}`)).toEqual([
    {
      issuer: 'https://id.example',
      jwksUrl: 'https://id.example/jwks.json',
      audience: 'reconfirm',
      algorithms: ['ES256', 'RS256'],
      organizationId: undefined,
    },
    {
      issuer: 'auth',
      jwksUrl: 'http://127.0.0.1:9/keys',
      audience: 'a b',
      algorithms: ['EdDSA'],
      organizationId,
    },
  ]);
});

test.each([
  'https://id.example',
  '|https://id.example/jwks.json|aud|ES256',
  'https://id.example|https://id.example/jwks.json||ES256',
  'https://id.example|https://id.example/jwks.json|aud|',
  'https://id.example|https://id.example/jwks.json|aud|none',
  'https://id.example|https://id.example/jwks.json|aud|HS256',
  'https://id.example|https://id.example/jwks.json|aud|ES256 HS256',
  'https://id.example|http://id.example/jwks.json|aud|ES256',
  'https://id.example|http://127.0.0.1.id.example/jwks.json|aud|ES256',
  'https://id.example|https://u:p@id.example/jwks.json|aud|ES256',
  'https://id.example|file:///etc/jwks.json|aud|ES256',
  'https://id.example|jwks.json|aud|ES256',
  'https://id.example|https://id.example/jwks.json|aud|ES256|acme',
  'https://id.example|https://id.example/jwks.json|aud|ES256||',
  `${one},${one}`,
])('%s is refused in one sentence', (text) => {
  expect(parseForeignIssuers(text)).toEqual({ problem: expect.stringMatching(/^must /) as string });
});
