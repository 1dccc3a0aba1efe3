import { randomUUID } from 'node:crypto';
import { errors, exportJWK, type JWK, type JWTHeaderParameters, jwtVerify, SignJWT } from 'jose';
import { Secret } from '@reconfirm/core/secret';
import type { SessionKey, SessionKeyRing } from '@reconfirm/core/session-keys';
import type { SessionFacts, SessionReference } from '@reconfirm/db/sessions';
import type { JsonWebKeySet } from './sessions.ts';

/** RFC 9068, 2.1: a token of another type (an ID token, an assertion) is no access token. */
const accessTokenType = 'at+jwt';

/** How far the clocks of two hosts may be apart. */
export const clockToleranceSeconds = 30;

export interface AccessTokenSettings {
  readonly keys: SessionKeyRing;
  readonly issuer: string;
  readonly audience: string;
  readonly ttlSeconds: number;
}

export type AccessTokenReading =
  | ({ readonly kind: 'signed' } & SessionReference)
  | { readonly kind: 'malformed' | 'expired' };

export interface AccessTokens {
  sign(facts: SessionFacts): Promise<{ readonly token: Secret; readonly expiresAt: Date }>;
  /** Whether we signed it, for this audience, and it is in its time. Says nothing of the session. */
  read(token: string): Promise<AccessTokenReading>;
  jwks(): JsonWebKeySet;
}

/** Our own access tokens (RFC 9068's profile of RFC 7519). */
export const createAccessTokens = async (settings: AccessTokenSettings): Promise<AccessTokens> => {
  const { keys, issuer, audience, ttlSeconds } = settings;
  const published: JsonWebKeySet = { keys: await Promise.all(keys.keys.map(publicJwk)) };

  return {
    sign: async (facts) => {
      const issuedAt = Math.floor(facts.now.getTime() / 1000);
      const token = await new SignJWT(claimsOf(facts))
        .setProtectedHeader({ alg: keys.newest.algorithm, kid: keys.newest.kid, typ: accessTokenType })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(facts.accountId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttlSeconds)
        .setJti(randomUUID())
        .sign(keys.newest.privateKey);
      return { token: new Secret(token), expiresAt: new Date((issuedAt + ttlSeconds) * 1000) };
    },

    read: async (token) => {
      try {
        const { payload } = await jwtVerify(token, (header) => keyOf(keys, header), {
          algorithms: keys.keys.map((key) => key.algorithm),
          typ: accessTokenType,
          issuer,
          audience,
          clockTolerance: clockToleranceSeconds,
          requiredClaims: ['sub', 'sid', 'iat', 'exp'],
        });
        const [accountId, sessionId] = [payload.sub, payload['sid']];
        return isUuid(accountId) && isUuid(sessionId)
          ? { kind: 'signed', accountId, sessionId }
          : { kind: 'malformed' };
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error;
        return { kind: error instanceof errors.JWTExpired ? 'expired' : 'malformed' };
      }
    },

    jwks: () => published,
  };
};

/** A key verifies what was signed with its own algorithm; the header only says which key. */
const keyOf = (ring: SessionKeyRing, header: JWTHeaderParameters): SessionKey['publicKey'] => {
  const key = ring.keys.find(({ kid }) => kid === header.kid);
  if (key === undefined || key.algorithm !== header.alg) throw new errors.JWKSNoMatchingKey();
  return key.publicKey;
};

const claimsOf = (facts: SessionFacts): Record<string, string | boolean> => ({
  org: facts.organizationId,
  sid: facts.sessionId,
  role: facts.isAdmin ? 'admin' : 'member',
  // An address that nobody has proved yet must not be taken for one (OpenID Connect Core 1.0, 5.7).
  ...(facts.email === null ? {} : { email: facts.email, email_verified: facts.emailVerified }),
  ...(facts.phone === null ? {} : { phone: facts.phone, phone_verified: facts.phoneVerified }),
});

const publicJwk = async (key: SessionKey): Promise<Readonly<Record<string, string>>> => {
  const jwk: JWK = await exportJWK(key.publicKey);
  const { kty, crv, x, y } = jwk;
  const members = { kty, crv, x, y, kid: key.kid, alg: key.algorithm, use: 'sig' };
  return Object.fromEntries(Object.entries(members).filter((entry): entry is [string, string] => !!entry[1]));
};

/** What Postgres takes as an id: anything else in a claim was not written by us. */
export const isUuid = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
