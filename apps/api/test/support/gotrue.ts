import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { GoTrueClient } from '@supabase/auth-js';
import type { Database } from '@reconfirm/db/database';
import type { MessageRow } from '@reconfirm/db/schema';
import { handOver, type HandOver } from './hand-over.ts';
import { appOrigin, type Settings, type TestApi } from './installation.ts';
import { type Answer, newClient, newEmail, type Sender } from './requests.ts';
import { expect } from 'vitest';

/** What an installation needs to speak the contract. */
export const gotrueSettings = (): Settings => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    CONTRACTS: 'v1,gotrue',
    SESSION_KEYS: `test-1:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`,
    GOTRUE_SITE_URL: `${appOrigin}/welcome`,
    GOTRUE_PHONE: 'on',
    SMS_COUNTRIES: 'DK',
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
  return `+4520${400_000 + numbers}`;
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

/** The first form of a refusal, checked to be one: status, code, sentence. */
export const refusalOf = (answer: Answer): readonly [number, string, string] => {
  const { code, error_code, msg } = answer.json<{ code: number; error_code: string; msg: string }>();
  expect([code, answer.headers['x-sb-error-code']]).toEqual([answer.statusCode, error_code]);
  return [answer.statusCode, error_code, msg];
};

export interface SessionBody {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly expires_at: number;
  readonly user: { readonly id: string };
}

/** What tests of users do again and again, on one API. */
export const usersOf = (api: TestApi, db: Database) => {
  const send = (
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<Answer> => call(api, method, path, body, token === undefined ? {} : { headers: bearer(token) });
  return {
    send,
    /** Registers somebody new who confirms at once. */
    signUp: async (): Promise<SessionBody & { readonly email: string }> => {
      const email = newEmail();
      await send('POST', '/signup', { email, password });
      const { code } = await deliverNewest(api, db, 'signup');
      const verified = await send('POST', '/verify', { type: 'signup', email, token: code });
      return { email, ...verified.json<SessionBody>() };
    },
  };
};

export type Users = ReturnType<typeof usersOf>;

export const dated = { 'x-supabase-api-version': '2024-01-01' };

/** The dated form of a refusal, checked to be one: status, code, sentence. */
export const datedRefusalOf = (answer: Answer): readonly [number, string, string] => {
  const { code, message } = answer.json<{ code: string; message: string }>();
  expect(answer.headers).toMatchObject({ 'x-sb-error-code': code, ...dated });
  return [answer.statusCode, code, message];
};
