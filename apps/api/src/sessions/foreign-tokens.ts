import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { ForeignIssuer } from '@reconfirm/core/foreign-issuer';
import { clockToleranceSeconds } from './access-tokens.ts';
import type { FindForeignKey } from './foreign-keys.ts';

export type ForeignReading =
  | { readonly kind: 'signed'; readonly subject: string | null; readonly email: string | null }
  | { readonly kind: 'malformed' | 'expired' };

export interface ForeignTokenRules {
  readonly issuer: ForeignIssuer;
  readonly findKey: FindForeignKey;
  /** Longest `exp` minus `iat`. */
  readonly ttlSecondsMax: number;
}

/** What issuers call an access token. A logout token or an assertion of theirs (RFC 8725, 3.11) is none. */
const accessTokenTypes = new Set(['jwt', 'at+jwt']);

/**
 * Whether this issuer signed it, for us, and it is in its time, with one of the configured algorithms.
 * Throws AppError `issuer_unavailable` while its keys cannot be had.
 */
export const readForeignToken = async (token: string, rules: ForeignTokenRules): Promise<ForeignReading> => {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, rules.findKey, {
      algorithms: [...rules.issuer.algorithms],
      issuer: rules.issuer.issuer,
      audience: rules.issuer.audience,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['iat', 'exp'],
    });
    const type = (protectedHeader.typ ?? 'JWT').toLowerCase().replace(/^application\//, '');
    if (!accessTokenTypes.has(type) || !isInBounds(payload, rules.ttlSecondsMax))
      return { kind: 'malformed' };
    return { kind: 'signed', subject: payload.sub ?? null, email: verifiedEmailOf(payload) };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return { kind: error instanceof errors.JWTExpired ? 'expired' : 'malformed' };
  }
};

const isInBounds = ({ iat = 0, exp = 0 }: JWTPayload, ttlSecondsMax: number): boolean => {
  const isFromTheFuture = iat > Date.now() / 1000 + clockToleranceSeconds;
  return exp - iat <= ttlSecondsMax && !isFromTheFuture;
};

/** An address counts unless its issuer says that it is not proved. */
const verifiedEmailOf = (payload: JWTPayload): string | null => {
  const { email, email_verified: verified } = payload;
  // Some issuers write booleans as text.
  const isDenied = verified === false || verified === 'false';
  return typeof email === 'string' && !isDenied ? email : null;
};
