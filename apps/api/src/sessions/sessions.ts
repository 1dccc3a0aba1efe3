import type { Secret } from '@reconfirm/core/secret';

/** The account that a session speaks for, as its tokens tell it. */
export interface SessionAccount {
  readonly id: string;
  readonly organizationId: string;
  readonly isAdmin: boolean;
  readonly email: string | null;
  readonly phone: string | null;
}

/** A session just opened or rotated. Its tokens are in no row and are shown once. */
export interface IssuedSession {
  readonly sessionId: string;
  readonly accessToken: Secret;
  readonly refreshToken: Secret;
  readonly expiresInSeconds: number;
  /** End of the access token. */
  readonly expiresAt: Date;
}

export type RefreshOutcome =
  | { readonly kind: 'refreshed'; readonly session: IssuedSession; readonly accountId: string }
  /** `reused`: a token shown again after it was used; its whole family has ended. */
  | { readonly kind: 'unknown' | 'expired' | 'reused' | 'ended' | 'suspended' };

/** Who a caller is. */
export interface Identity {
  readonly accountId: string;
  readonly organizationId: string;
  /** Null for a foreign issuer's token: its session is not ours to end. */
  readonly sessionId: string | null;
  readonly isAdmin: boolean;
  /** `own`, or the `iss` of a configured foreign issuer. */
  readonly issuer: string;
}

export type Authentication =
  | { readonly kind: 'authenticated'; readonly identity: Identity }
  | {
      readonly kind: 'missing' | 'malformed' | 'expired' | 'ended' | 'unknown_account' | 'suspended';
    };

/** A key set as RFC 7517, section 5 has it; public members only. */
export interface JsonWebKeySet {
  readonly keys: readonly Readonly<Record<string, string>>[];
}

/** Sessions of accounts: short access tokens that anybody can verify, refresh tokens that only we know. */
export interface Sessions {
  /** Opens a session for an account that has just proved who it is. */
  open(account: SessionAccount): Promise<IssuedSession>;
  /** Rotates: a used refresh token shown again ends the whole family. */
  refresh(refreshToken: string): Promise<RefreshOutcome>;
  /** Ends this session, all others of its account, or all. */
  end(identity: Identity, which: 'this' | 'others' | 'all'): Promise<void>;
  /** Who an access token (ours, or a configured foreign issuer's) speaks for. */
  authenticate(accessToken: string): Promise<Authentication>;
  /** Public keys for /.well-known/jwks.json. */
  jwks(): JsonWebKeySet;
}
