import type { Ports } from './choose-ports.ts';
import type { Secrets } from './secrets.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type StoreSettings = { databaseUrl: string; redisUrl: string | undefined };

/** A setting counts as given when it has a text, directly or through a file. */
export const isGiven = (env: Environment, name: string): boolean =>
  (env[name] ?? '') !== '' || (env[`${name}_FILE`] ?? '') !== '';

/** The person's own environment wins over every default. */
const withDefaults = (env: Environment, defaults: Environment): Environment => ({
  ...env,
  ...Object.fromEntries(Object.entries(defaults).filter(([name]) => !isGiven(env, name))),
});

const shared = (env: Environment, ports: Ports, secrets: Secrets, stores: StoreSettings): Environment => ({
  ...withDefaults(env, {
    NODE_ENV: 'development',
    LOG_LEVEL: 'info',
    DATABASE_URL: stores.databaseUrl,
    QUEUE_BACKEND: stores.redisUrl === undefined && !isGiven(env, 'REDIS_URL') ? 'postgres' : 'redis',
    PUBLIC_URL: `http://localhost:${ports.api}`,
    TOKEN_KEYS: secrets.tokenKeys,
    ADDRESS_HASH_KEY: secrets.addressHashKey,
    EMAIL_PROVIDER: 'smtp',
    // The inbox is the gateway, so no number costs anything. +45 12… is nobody's: no number of Denmark begins with 1.
    ...(!isGiven(env, 'SMS_PROVIDER') && {
      SMS_PROVIDER: 'http',
      SMS_COUNTRIES: '*',
      SMS_ALLOW_PREFIXES: 'DK:+4512',
    }),
    // The application that is told runs on this machine too.
    ...(env['NODE_ENV'] !== 'production' && { EVENT_LOOPBACK: 'on' }),
    // Everything has to be gone 5 s after Ctrl-C.
    SHUTDOWN_TIMEOUT_SECONDS: '1',
    ...(stores.redisUrl !== undefined && { REDIS_URL: stores.redisUrl }),
  }),
});

/**
 * How the inbox reports what simulated recipients make of their mail, and how the API knows these reports. Not in
 * production, and not where the person has a key of a provider's webhooks: then nothing but the provider is believed.
 */
export const simulatorEnvironment = (
  env: Environment,
  apiPort: number,
  signingKey: string,
): { readonly inbox: Environment; readonly api: Environment } =>
  env['NODE_ENV'] === 'production' || isGiven(env, 'MAILGUN_WEBHOOK_SIGNING_KEY')
    ? { inbox: {}, api: {} }
    : {
        inbox: {
          INBOX_WEBHOOK_URL: `http://127.0.0.1:${apiPort}/v1/mailgun/webhook`,
          INBOX_WEBHOOK_KEY: signingKey,
        },
        api: { MAILGUN_WEBHOOK_SIGNING_KEY: signingKey },
      };

export const apiEnvironment = (
  env: Environment,
  ports: Ports,
  secrets: Secrets,
  stores: StoreSettings,
): Environment => ({
  ...withDefaults(shared(env, ports, secrets, stores), {
    HOST: '127.0.0.1',
    ADMIN_KEY: secrets.adminKey,
    SESSION_KEYS: secrets.sessionKeys,
    CONTRACTS: 'v1,gotrue,singularity,entryguard',
    GOTRUE_SITE_URL: `http://localhost:${ports.api}/`,
    REDIRECT_ORIGINS: '*',
    DEMO_PAGE: 'on',
    INBOX_URL: `http://localhost:${ports.inboxHttp}`,
  }),
  // A flag is nearer to the person than the environment.
  PORT: String(ports.api),
});

export const workerEnvironment = (
  env: Environment,
  ports: Ports,
  secrets: Secrets,
  stores: StoreSettings,
): Environment => ({
  ...withDefaults(shared(env, ports, secrets, stores), {
    OPS_HOST: '127.0.0.1',
    MAIL_FROM: 'Reconfirm <no-reply@reconfirm.localhost>',
    // TLS is switched off for our own inbox only, never for a server that somebody named.
    ...(!isGiven(env, 'SMTP_URL') && { SMTP_URL: `smtp://127.0.0.1:${ports.inboxSmtp}`, SMTP_TLS: 'off' }),
    ...(!isGiven(env, 'SMS_PROVIDER') && {
      SMS_HTTP_URL: `http://127.0.0.1:${ports.inboxHttp}/sms`,
      SMS_PRICES: 'default=0.01',
    }),
  }),
  OPS_PORT: String(ports.workerOps),
});
