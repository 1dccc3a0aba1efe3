import { parseEmailAddress } from '@reconfirm/core/account';
import type { ApiConfig } from '@reconfirm/core/config/config';
import { passwordSizeMax } from '@reconfirm/core/password';
import type { SessionKeyRing } from '@reconfirm/core/session-keys';
import { createBatcher } from '@reconfirm/db/batcher';
import { type Database, isRetryable } from '@reconfirm/db/database';
import * as passwordRows from '@reconfirm/db/passwords';
import { rotateRefreshToken } from '@reconfirm/db/refresh-tokens';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import * as rows from '@reconfirm/db/sessions';
import type { Logger } from '@reconfirm/process/logger';
import type { Limiter } from '../limiter/limiter.ts';
import type { ApiMetrics } from '../metrics.ts';
import { addressKeyOf, type KeySettings } from '../request-keys.ts';
import { createSetPassword, type SetPassword } from '../set-password.ts';
import { createSignIn, type SignIn } from '../sign-in.ts';
import { createAccessTokens } from './access-tokens.ts';
import { createSessions, type OwnSessions, type SessionsDependencies } from './create-sessions.ts';
import { createForeignKeys } from './foreign-keys.ts';
import type { ForeignTokenRules } from './foreign-tokens.ts';
import { createPasswords, type Passwords } from './passwords.ts';

/** What dialects need whose callers sign in. */
export interface Access {
  readonly sessions: OwnSessions;
  readonly passwords: Passwords;
  readonly signIn: SignIn;
  readonly setPassword: SetPassword;
}

export interface AccessDependencies {
  readonly config: ApiConfig;
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: ApiMetrics;
  readonly limiter: Limiter;
  readonly keys: KeySettings;
  /** How long a request may wait for a batch. */
  readonly batchWaitMs: number;
}

/** Sessions, passwords and sign-in as configured; undefined without SESSION_KEYS. */
export const createAccess = async (deps: AccessDependencies): Promise<Access | undefined> => {
  const { config, db, metrics } = deps;
  if (config.SESSION_KEYS === undefined) return undefined;
  const sessions = await openSessions(deps, config.SESSION_KEYS);
  const passwords = await createPasswords();
  return {
    sessions,
    passwords,
    signIn: createSignIn({
      keys: deps.keys,
      limits: config.RATE_LIMIT_SIGN_IN,
      limiter: deps.limiter,
      findCredentials: (organizationId, channel, addressKey) =>
        passwordRows.findCredentials(db, organizationId, channel, addressKey),
      passwords,
      sessions,
      decided: metrics.signInDecided,
    }),
    setPassword: createSetPassword({
      policy: {
        sizeMin: config.PASSWORD_LENGTH_MIN,
        sizeMax: passwordSizeMax,
        classes: config.PASSWORD_CLASSES,
      },
      passwords,
      store: (accountId, hash, spareSessionId) =>
        passwordRows.storePassword(db, accountId, hash, spareSessionId),
    }),
  };
};

const openSessions = async (deps: AccessDependencies, keyRing: SessionKeyRing): Promise<OwnSessions> => {
  const { config, db, log, metrics } = deps;
  const accessTokens = await createAccessTokens({
    keys: keyRing,
    issuer: config.PUBLIC_URL,
    audience: config.ACCESS_TOKEN_AUDIENCE ?? config.PUBLIC_URL,
    ttlSeconds: config.ACCESS_TOKEN_TTL_SECONDS,
  });
  return createSessions({
    accessTokens,
    ownIssuer: config.PUBLIC_URL,
    accessTtlSeconds: config.ACCESS_TOKEN_TTL_SECONDS,
    refreshTtlDays: config.REFRESH_TOKEN_TTL_DAYS,
    foreign: foreignRules(config, log),
    defaultOrganizationId,
    emailKeyOf: (organizationId, email) => {
      const address = parseEmailAddress(email, config.EMAIL_IDENTITY);
      return address === undefined ? null : addressKeyOf(deps.keys, organizationId, address.lookupForm);
    },
    openSession: (session) => rows.openSession(db, session),
    rotate: (rotation) => rotateRefreshToken(db, rotation),
    endSessions: (accountId, which, by) => rows.endSessions(db, accountId, which, by),
    findState: batchedStateLookup(deps),
    findForeignSubject: (organizationId, wanted) => rows.findForeignSubject(db, organizationId, wanted),
    refreshed: (kind, reused) => {
      metrics.sessionRefreshed(kind);
      // Somebody has a copy of this token: its owner, twice, or somebody else.
      if (reused !== undefined)
        log.warn({ sessionId: reused.sessionId, accountId: reused.accountId }, 'session.token_reused');
    },
  });
};

const foreignRules = (config: ApiConfig, log: Logger): readonly ForeignTokenRules[] =>
  config.FOREIGN_ISSUERS.map((issuer) => ({
    issuer,
    ttlSecondsMax: config.FOREIGN_TOKEN_TTL_SECONDS_MAX,
    findKey: createForeignKeys({
      url: issuer.jwksUrl,
      nowMs: () => performance.now(),
      onFetch: ({ working, cause }) =>
        log[working ? 'info' : 'warn'](
          { issuer: issuer.issuer, err: cause },
          working ? 'issuer.keys_fetched' : 'issuer.keys_unavailable',
        ),
    }),
  }));

/** Requests that arrive together share one SELECT. */
const batchedStateLookup = ({
  db,
  config,
  batchWaitMs,
}: AccessDependencies): SessionsDependencies['findState'] => {
  const batcher = createBatcher<rows.SessionReference, rows.SessionState>({
    maxItems: config.INTAKE_BATCH_MAX,
    maxInFlight: 1,
    maxWaitMs: batchWaitMs,
    retryAlone: isRetryable,
    runBatch: (references) => rows.readSessionStates(db, references),
  });
  return batcher.run;
};
