import { createServer } from 'node:http';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';

export interface Issuer extends AsyncDisposable {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** How often its keys were fetched. */
  readonly fetches: () => number;
  /** Makes a new key, publishes it in place of the others, and signs with it. */
  rotate(): void;
  /** Answers 503 from now on, or answers again. */
  setAway(isAway: boolean): void;
  sign(
    claims: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
}

export const audience = 'reconfirm-of-the-tests';

/** An issuer of access tokens with a key set on a port of its own. */
export const startIssuer = async (): Promise<Issuer> => {
  let fetches = 0;
  let number = 0;
  let isAway = false;
  let key: { readonly kid: string; readonly privateKey: KeyObject; readonly jwk: object };
  const rotate = (): void => {
    number += 1;
    const kid = `key-${number}`;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    key = { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } };
  };
  rotate();
  const server = createServer((_request, response) => {
    fetches += 1;
    response.writeHead(isAway ? 503 : 200, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(isAway ? {} : { keys: [key.jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the issuer has no port');
  const issuer = `http://127.0.0.1:${address.port}`;
  return {
    issuer,
    jwksUrl: `${issuer}/jwks.json`,
    fetches: () => fetches,
    rotate,
    setAway: (away) => {
      isAway = away;
    },
    sign: (claims, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: issuer, aud: audience, iat: now, exp: now + 600, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: key.kid, ...header })
        .sign(key.privateKey);
    },
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};
