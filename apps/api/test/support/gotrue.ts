import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { GoTrueClient } from '@supabase/auth-js';
import type { Database } from '@reconfirm/db/database';
import type { MessageRow } from '@reconfirm/db/schema';
import { handOver, type HandOver } from './hand-over.ts';
import { appOrigin, type Settings, type TestApi } from './installation.ts';
import { type Answer, newClient, type Sender } from './requests.ts';

/** What an installation needs to speak the contract. */
export const gotrueSettings = (): Settings => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    CONTRACTS: 'v1,gotrue',
    SESSION_KEYS: `test-1:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`,
    GOTRUE_SITE_URL: `${appOrigin}/welcome`,
    GOTRUE_PHONE: 'on',
  };
};

/** Far from any limit, for tests that are about something else. */
export const withoutLimits: Settings = {
  RATE_LIMIT_ADDRESS: 'off',
  RATE_LIMIT_IP: 'off',
  GOTRUE_RATE_LIMIT_EMAIL: 'off',
  GOTRUE_RATE_LIMIT_PHONE: 'off',
  GOTRUE_RATE_LIMIT_IP: 'off',
  RATE_LIMIT_SIGN_IN: 'off',
};

export const base = '/auth/v1';

/** A request of this contract; a body is sent as JSON. */
export const call = (
  api: Pick<TestApi, 'app'>,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: unknown,
  { from, headers }: Sender = {},
): Promise<Answer> =>
  api.app.inject({
    method,
    url: `${base}${path}`,
    remoteAddress: from ?? newClient(),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...(body === undefined ? {} : { payload: body as object }),
  });

export const bearer = (token: string): { readonly authorization: string } => ({
  authorization: `Bearer ${token}`,
});

/** The messages of one purpose, newest first. */
export const messagesOf = (db: Database, purpose: string): Promise<MessageRow[]> =>
  db.selectFrom('messages').selectAll().where('purpose', '=', purpose).orderBy('seq', 'desc').execute();

/** Hands the newest message of a purpose over, as a worker does; returns what it would carry. */
export const deliverNewest = async (
  { config }: Pick<TestApi, 'config'>,
  db: Database,
  purpose: string,
): Promise<HandOver> => {
  const [newest] = await messagesOf(db, purpose);
  if (newest === undefined) throw new Error(`no message of ${purpose} was accepted`);
  return handOver(db, config, newest.id);
};

export const password = 'correct horse battery staple';

let numbers = 0;

/** A number that no request of this file has used. */
export const newPhone = (): string => {
  numbers += 1;
  return `+4520${String(numbers).padStart(6, '0')}`;
};

/** Where the API listens. The test stops the API. */
export const listen = async ({ app }: Pick<TestApi, 'app'>): Promise<string> => {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
};

/** The published client as applications use it, with a storage of its own. */
export const authClient = (origin: string, flowType: 'implicit' | 'pkce' = 'implicit'): GoTrueClient => {
  const stored = new Map<string, string>();
  return new GoTrueClient({
    url: `${origin}${base}`,
    flowType,
    autoRefreshToken: false,
    detectSessionInUrl: false,
    persistSession: true,
    storageKey: `client-${Math.random()}`,
    storage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
      removeItem: (key) => void stored.delete(key),
    },
  });
};
