import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { type EmailAddress, parseEmailAddress } from '@reconfirm/core/account';
import { uuidV7 } from '@reconfirm/core/message-id';
import { Secret } from '@reconfirm/core/secret';
import type { SessionKey } from '@reconfirm/core/session-keys';
import type { Database } from '@reconfirm/db/database';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { createLogger } from '@reconfirm/process/logger';
import { createPostgresLimiter } from '../../src/limiter/postgres.ts';
import { createApiMetrics } from '../../src/metrics.ts';
import { addressKeyOf, type KeySettings } from '../../src/request-keys.ts';
import { type Access, createAccess } from '../../src/sessions/access.ts';
import type { Identity, IssuedSession, SessionAccount } from '../../src/sessions/sessions.ts';
import { configOf, type Installation, publicUrl, type Settings } from './installation.ts';
import { newEmail } from './requests.ts';

/** One entry of SESSION_KEYS. */
export const newSessionKey = (kid: string, kind: 'ed25519' | 'p256' = 'ed25519'): string => {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return `${kid}:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`;
};

export interface AccessScene extends Access {
  readonly db: Database;
  /** How many statements were sent to the database so far. */
  readonly statements: () => number;
  readonly signingKey: SessionKey;
  readonly logged: () => string;
  readonly metricText: () => Promise<string>;
  /** An account of the default organization; active and of an address that nobody used, unless said otherwise. */
  createAccount(changes?: {
    readonly status?: 'pending' | 'active' | 'suspended';
    readonly email?: string;
  }): Promise<SceneAccount>;
  /** As who a token is known; throws when it is not. */
  identityOf(session: IssuedSession): Promise<Identity>;
}

export interface SceneAccount extends SessionAccount {
  readonly email: string;
  readonly destination: EmailAddress;
}

/** Sessions, passwords and sign-in as an API builds them, on the installation's own database. */
export const openAccess = async (
  installation: Installation,
  settings: Settings = {},
): Promise<AccessScene> => {
  const config = configOf({ ...installation.settings, SESSION_KEYS: newSessionKey('test-1'), ...settings });
  let statements = 0;
  const db = installation.db.withPlugin({
    transformQuery: ({ node }) => {
      statements += 1;
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  const lines: string[] = [];
  const log = createLogger('api', 'trace', { write: (line: string) => void lines.push(line) });
  const keys: KeySettings = {
    hashKey: config.ADDRESS_HASH_KEY,
    ipv6PrefixBits: config.IPV6_PREFIX_BITS,
    rememberSeconds: { ip: 3600, email: 3600, phone: 3600 },
  };
  const metrics = createApiMetrics();
  const limiter = createPostgresLimiter(db);
  const access = await createAccess({ config, db, log, metrics, limiter, keys, batchWaitMs: 5000 });
  if (access === undefined || config.SESSION_KEYS === undefined) throw new Error('there are no SESSION_KEYS');

  return {
    ...access,
    db,
    statements: () => statements,
    signingKey: config.SESSION_KEYS.newest,
    logged: () => lines.join(''),
    metricText: () => metrics.registry.metrics(),
    createAccount: async ({ status = 'active', email = newEmail() } = {}) => {
      const destination = parseEmailAddress(email, config.EMAIL_IDENTITY);
      if (destination === undefined) throw new Error('not an address');
      const row = await db
        .insertInto('accounts')
        .values({
          id: uuidV7(Date.now(), randomBytes(10)),
          organization_id: defaultOrganizationId,
          email: destination.address,
          email_key: addressKeyOf(keys, defaultOrganizationId, destination.lookupForm),
          status,
          verified_at: status === 'pending' ? null : new Date(),
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return {
        id: row.id,
        organizationId: row.organization_id,
        isAdmin: row.is_admin,
        email: destination.address,
        phone: null,
        destination,
      };
    },
    identityOf: async (session) => {
      const found = await access.sessions.authenticate(session.accessToken.reveal());
      if (found.kind !== 'authenticated') throw new Error(`not authenticated: ${found.kind}`);
      return found.identity;
    },
  };
};

export const asSecret = (text: string): Secret => new Secret(text);

/** What a forged token of ours may differ in; undefined leaves a claim or a header out. */
export interface Forgery {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly key?: Parameters<SignJWT['sign']>[0];
}

/** A token like ours for this session, signed with our own key unless the forgery says otherwise. */
export const forge = async (
  scene: AccessScene,
  identity: Pick<Identity, 'accountId' | 'sessionId' | 'organizationId'>,
  { header = {}, claims = {}, key = scene.signingKey.privateKey }: Forgery = {},
): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  const { algorithm: alg, kid } = scene.signingKey;
  const payload = {
    iss: publicUrl,
    aud: publicUrl,
    sub: identity.accountId,
    sid: identity.sessionId,
    org: identity.organizationId,
    role: 'member',
    iat: now,
    exp: now + 900,
    jti: randomUUID(),
    ...claims,
  };
  return new SignJWT(payload).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(key);
};
