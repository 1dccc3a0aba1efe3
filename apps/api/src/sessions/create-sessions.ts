import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import type { ForeignIssuer } from '@reconfirm/core/foreign-issuer';
import { uuidV7 } from '@reconfirm/core/message-id';
import type { Secret } from '@reconfirm/core/secret';
import type { Rotation, RotationOutcome } from '@reconfirm/db/refresh-tokens';
import type { ForeignSubject, SessionFacts, SessionReference, SessionState } from '@reconfirm/db/sessions';
import { type AccessTokens, isUuid } from './access-tokens.ts';
import { type ForeignTokenRules, readForeignToken } from './foreign-tokens.ts';
import { hashRefreshToken, refreshTokenOf, refreshTokenSizeBytes, successorOf } from './refresh-token.ts';
import type { Authentication, IssuedSession, RefreshOutcome, SessionAccount, Sessions } from './sessions.ts';

/** A used refresh token gets the same successor again for so long: an answer may be lost, a page open twice. */
const graceSeconds = 10;

/** Longer than any token with a handful of claims; a header could hold 16 KiB. */
const tokenSizeMax = 8192;

export interface SessionsDependencies {
  readonly accessTokens: AccessTokens;
  readonly ownIssuer: string;
  readonly accessTtlSeconds: number;
  readonly refreshTtlDays: number;
  readonly foreign: readonly ForeignTokenRules[];
  readonly defaultOrganizationId: string;
  /** The key under which an account with this address is found; null for a text that is none. */
  readonly emailKeyOf: (organizationId: string, email: string) => Uint8Array | null;
  readonly openSession: (session: {
    readonly id: string;
    readonly accountId: string;
    readonly passwordHash: string | null;
    readonly refreshHash: Uint8Array;
    readonly ttlDays: number;
  }) => Promise<SessionFacts | null>;
  readonly rotate: (rotation: Rotation) => Promise<RotationOutcome>;
  readonly endSessions: (
    accountId: string,
    which: { readonly only: string } | { readonly allBut: string | null },
    by: 'sign_out' | 'sign_out_others' | 'sign_out_all',
  ) => Promise<number>;
  readonly findState: (reference: SessionReference) => Promise<SessionState>;
  readonly findForeignSubject: (
    organizationId: string,
    wanted: { readonly accountId: string | null; readonly emailKey: Uint8Array | null },
  ) => Promise<ForeignSubject | undefined>;
  /** Told of every refresh; `reused` names the session that was ended for it. */
  readonly refreshed: (
    kind: RefreshOutcome['kind'],
    reused?: { readonly sessionId: string; readonly accountId: string },
  ) => void;
}

/** Sessions, and the one way to open them that must not outlive a change of password. */
export interface OwnSessions extends Sessions {
  /** Null when the account's password is no longer the one with this hash, or the account is suspended or gone. */
  openByPassword(accountId: string, passwordHash: string): Promise<IssuedSession | null>;
}

export const createSessions = (deps: SessionsDependencies): OwnSessions => {
  return {
    open: async (account: SessionAccount) => {
      const session = await open(account.id, null);
      if (session === null)
        throw new Error('a session was to be opened for an account that is suspended or gone');
      return session;
    },
    openByPassword: (accountId, passwordHash) => open(accountId, passwordHash),
    refresh: async (refreshToken) => {
      const outcome = await refresh(refreshToken);
      if (outcome.kind !== 'reused') deps.refreshed(outcome.kind);
      return outcome;
    },
    end: async (identity, which) => {
      const { accountId, sessionId } = identity;
      // A foreign issuer's session is not ours to end: there is no "this", and all of ours are the others.
      if (which === 'all') await deps.endSessions(accountId, { allBut: null }, 'sign_out_all');
      else if (which === 'others')
        await deps.endSessions(accountId, { allBut: sessionId }, 'sign_out_others');
      else if (sessionId !== null) await deps.endSessions(accountId, { only: sessionId }, 'sign_out');
    },
    authenticate: async (accessToken) => {
      if (accessToken === '') return { kind: 'missing' };
      if (accessToken.length > tokenSizeMax) return { kind: 'malformed' };
      const issuer = claimedIssuer(accessToken);
      if (issuer === deps.ownIssuer) return authenticateOwn(accessToken);
      const rules = deps.foreign.find((known) => known.issuer.issuer === issuer);
      return rules === undefined ? { kind: 'malformed' } : authenticateForeign(accessToken, rules);
    },
    jwks: () => deps.accessTokens.jwks(),
  };

  async function open(accountId: string, passwordHash: string | null): Promise<IssuedSession | null> {
    const refreshToken = refreshTokenOf(randomBytes(refreshTokenSizeBytes));
    const facts = await deps.openSession({
      id: uuidV7(Date.now(), randomBytes(10)),
      accountId,
      passwordHash,
      refreshHash: hashOf(refreshToken),
      ttlDays: deps.refreshTtlDays,
    });
    return facts === null ? null : issue(facts, refreshToken);
  }

  async function refresh(presented: string): Promise<RefreshOutcome> {
    const presentedHash = hashRefreshToken(presented);
    if (presentedHash === undefined) return { kind: 'unknown' };
    const nonce = randomBytes(refreshTokenSizeBytes);
    const outcome = await deps.rotate({
      presentedHash,
      nonce,
      successorHash: hashOf(successorOf(presented, nonce)),
      ttlDays: deps.refreshTtlDays,
      graceSeconds,
    });
    if (outcome.kind === 'reused') deps.refreshed('reused', outcome);
    if (outcome.kind !== 'refreshed') return { kind: outcome.kind };
    const { facts } = outcome;
    const session = await issue(facts, successorOf(presented, outcome.nonce));
    return { kind: 'refreshed', session, accountId: facts.accountId };
  }

  async function issue(facts: SessionFacts, refreshToken: Secret): Promise<IssuedSession> {
    const { token, expiresAt } = await deps.accessTokens.sign(facts);
    return {
      sessionId: facts.sessionId,
      accessToken: token,
      refreshToken,
      expiresInSeconds: deps.accessTtlSeconds,
      expiresAt,
    };
  }

  async function authenticateOwn(token: string): Promise<Authentication> {
    const reading = await deps.accessTokens.read(token);
    if (reading.kind !== 'signed') return { kind: reading.kind };
    const { accountId, sessionId } = reading;
    const found = await deps.findState({ accountId, sessionId });
    if (found.state !== 'live') return { kind: found.state };
    const { organizationId, isAdmin } = found;
    return {
      kind: 'authenticated',
      identity: { accountId, organizationId, sessionId, isAdmin, issuer: 'own' },
    };
  }

  async function authenticateForeign(token: string, rules: ForeignTokenRules): Promise<Authentication> {
    const reading = await readForeignToken(token, rules);
    if (reading.kind !== 'signed') return { kind: reading.kind };
    const account = await findSubject(rules.issuer, reading);
    if (account === undefined) return { kind: 'unknown_account' };
    if (account.isSuspended) return { kind: 'suspended' };
    const { accountId, organizationId, isAdmin } = account;
    return {
      kind: 'authenticated',
      identity: { accountId, organizationId, sessionId: null, isAdmin, issuer: rules.issuer.issuer },
    };
  }

  async function findSubject(
    issuer: ForeignIssuer,
    { subject, email }: { readonly subject: string | null; readonly email: string | null },
  ): Promise<ForeignSubject | undefined> {
    const organizationId = issuer.organizationId ?? deps.defaultOrganizationId;
    return deps.findForeignSubject(organizationId, {
      accountId: isUuid(subject) ? subject : null,
      emailKey: email === null ? null : deps.emailKeyOf(organizationId, email),
    });
  }
};

const hashOf = (token: Secret): Buffer => {
  const hash = hashRefreshToken(token.reveal());
  if (hash === undefined) throw new Error('a refresh token was made in a form that is not one');
  return hash;
};

/** Whose rules a token is to be judged by. Nothing else of it is believed before its signature is. */
const claimedIssuer = (token: string): string | undefined => {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
};
