import { smsSharedSettings } from './sms-settings.ts';
import { suppressionSettings } from './suppression-settings.ts';
import { choice, custom, customSecret, integer, optional, secret, secretUrl, text, url } from './setting.ts';
import { disposablePolicies, parseDomains } from '../disposable.ts';
import { supportedLocales } from '../locale.ts';
import { parseRedirectOrigins } from '../redirect.ts';
import { parseLifetimes, parseLiveTokensByPurpose, parseSendWithin } from '../purposes/policy.ts';
import { providerNames } from '../providers/registry.ts';
import { parsePorts } from '../public-address.ts';
import { parseKeyRing } from '../token.ts';

/** Routes are fixed, so a path before them could not be served: an origin is all there is to say. */
const readOrigin = (value: string): string | { readonly problem: string } => {
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  const isWeb = parsed?.protocol === 'https:' || parsed?.protocol === 'http:';
  return parsed !== undefined && isWeb && `${parsed.origin}/` === parsed.href
    ? parsed.origin
    : { problem: 'must be an origin like https://verify.example.com, without a path' };
};

/** One node of a Redis Cluster. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

const readNodes = (value: string): readonly RedisNode[] | { readonly problem: string } => {
  const nodes: RedisNode[] = [];
  for (const name of value.split(',').map((n) => n.trim())) {
    if (name === '') continue;
    const [, host, port] = /^([a-z0-9.-]+|\[[0-9a-f:.]+\]):([0-9]{1,5})$/i.exec(name) ?? [];
    if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
      return { problem: `must list hosts with their ports, like redis-2.example:6379; ${name} is none` };
    nodes.push({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
  }
  return nodes;
};

const readColor = (value: string): string | { readonly problem: string } =>
  /^#[0-9a-f]{6}$/i.test(value) ? value.toLowerCase() : { problem: 'must be a colour like #1d4ed8' };

/** Settings that both processes read; they must be the same for both. */
export const sharedSettings = {
  NODE_ENV: choice({
    values: ['production', 'development'],
    fallback: 'production',
    describe:
      'In production only https links are made and allowed, and development providers refuse to start.',
  }),
  LOG_LEVEL: choice({
    values: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    fallback: 'info',
    describe:
      'Least severity that is logged. An address is logged only as the start of its keyed hash, a token never.',
  }),
  DATABASE_URL: secretUrl({
    schemes: ['postgres:', 'postgresql:'],
    form: 'postgres://user:password@host:5432/database',
    describe: 'Postgres 15 or newer; everything that was accepted lives there.',
  }),
  DATABASE_POOL_MAX: integer({
    min: 2,
    max: 200,
    fallback: '10',
    describe: 'Most connections of one process to Postgres.',
  }),
  DATABASE_TIMEOUT_MS: integer({
    min: 100,
    max: 60_000,
    fallback: '1500',
    describe:
      'Deadline of waiting for a connection, and of each statement. In the API of all together that one request waits for Postgres; A sixth more, and 250 ms at least, is allowed for the answer, so that callers get their 503 within 2 s.',
  }),
  DATABASE_POOLER: choice({
    values: ['none', 'transaction'],
    fallback: 'none',
    describe:
      'transaction: DATABASE_URL leads to a pooler that gives a connection for one transaction, such as PgBouncer (docs/operations.md#a-pooler). Needs QUEUE_BACKEND=redis.',
  }),
  QUEUE_BACKEND: choice({
    values: ['redis', 'postgres'],
    fallback: 'redis',
    describe: 'Where jobs ring and limits are counted. With postgres no Redis is needed.',
  }),
  REDIS_URL: optional(
    secretUrl({
      schemes: ['redis:', 'rediss:'],
      form: 'redis://:password@host:6379/0',
      describe:
        'Redis 6.2 or newer (or Valkey) with maxmemory-policy noeviction. Required with QUEUE_BACKEND=redis.',
    }),
  ),
  REDIS_CLUSTER_NODES: custom(
    {
      form: 'redis-2.example:6379,redis-3.example:6379',
      fallback: '',
      describe:
        'Says that REDIS_URL is a node of a Redis Cluster, and names others to ask for the rest when that one is away; where one name stands for all, that name. User, password and TLS are those of REDIS_URL.',
    },
    readNodes,
  ),
  REDIS_PREFIX: custom(
    {
      form: 'small letters, digits, - and _',
      fallback: 'reconfirm',
      describe: 'Start of every Redis key and of the queue schema, so that installations can share a server.',
    },
    (value) =>
      /^[a-z][a-z0-9_-]{0,39}$/.test(value)
        ? value
        : { problem: 'must be 1 to 40 small letters, digits, - or _, a letter first' },
  ),
  PUBLIC_URL: custom(
    {
      form: 'https://verify.example.com',
      describe:
        'Origin at which people reach the API. Links are built from this value only, never from a request header. https in production.',
    },
    readOrigin,
  ),
  REDIRECT_ORIGINS: custom(
    {
      form: 'https://app.example.com,https://admin.example.com',
      fallback: '',
      describe:
        'Origins that a verificationRedirectUrl may have, besides PUBLIC_URL. * allows all, outside production only.',
    },
    parseRedirectOrigins,
  ),
  TOKEN_KEYS: customSecret(
    {
      form: '1:<base64 of at least 32 bytes>,2:…',
      describe:
        'Keys that derive tokens and seal the secrets of webhooks, by version. The highest version signs. To rotate: add a version, restart all, drop the old one once its last token has expired (docs/operations.md).',
    },
    parseKeyRing,
  ),
  ADDRESS_HASH_KEY: secret(
    custom(
      {
        form: 'base64 of at least 32 bytes',
        describe:
          'Key of the hashes under which addresses are stored, counted and logged. It cannot be rotated: accounts are found by it.',
      },
      (value) =>
        /^[A-Za-z0-9+/_-]+={0,2}$/.test(value) && Buffer.from(value, 'base64').length >= 32
          ? value
          : {
              problem: 'must be the base64 of at least 32 bytes (for instance from: openssl rand -base64 32)',
            },
    ),
  ),
  ADMIN_KEY: optional(
    secret(
      custom(
        {
          form: 'at least 24 characters',
          describe: 'Bearer key of the admin routes, and of a worker’s /preview. Without it they answer 401.',
        },
        (value) => (value.length >= 24 ? value : { problem: 'must have at least 24 characters' }),
      ),
    ),
  ),
  EMAIL_PROVIDER: choice({
    values: providerNames,
    fallback: 'smtp',
    describe:
      'Who carries the mail (docs/providers.md). log writes a line instead of a mail (development only); none makes the tokens and sends nothing (see EMAIL_OFF).',
  }),
  ...smsSharedSettings,
  ...suppressionSettings,
  VERIFICATION_TOKEN_TTL_HOURS: integer({
    min: 1,
    max: 168,
    fallback: '24',
    describe:
      'Lifetime of the link of a sign-up, counted from the hand-over to the provider. PURPOSE_LIFETIMES goes before it.',
  }),
  PURPOSE_LIFETIMES: custom(
    {
      form: 'recovery=1800/600,invitation=604800',
      fallback: '',
      describe:
        'Seconds that the link, and after a slash the code, of a purpose work, counted from the hand-over. Defaults: signup 86400/3600, invitation 604800/3600, email_change 86400/3600, recovery and magiclink 1800/600, phone_change and sms 600.',
    },
    parseLifetimes,
  ),
  PURPOSE_LIVE_TOKENS: custom(
    {
      form: 'magiclink=newest-3,recovery=until-handed-over',
      fallback: '',
      describe:
        'Which messages of one address and purpose work: newest (the default: asking ends the older one at once), newest-2, newest-3, or until-handed-over (the older one works until the newer was handed to the provider).',
    },
    parseLiveTokensByPurpose,
  ),
  DISPOSABLE_DOMAINS: choice({
    values: disposablePolicies,
    fallback: 'off',
    describe:
      'Addresses of services that give one to anybody for minutes: flag says so in the events to your application (`emailIsDisposable`), refuse also answers 400 to whoever registers with one. Relay services (SimpleLogin, addy.io, Apple, Firefox, DuckDuckGo) are not among them.',
  }),
  DISPOSABLE_ALLOW: custom(
    {
      form: 'example.com,example.org',
      fallback: '',
      describe: 'Domains that are never disposable, with all below them, whatever a list says.',
    },
    parseDomains,
  ),
  DISPOSABLE_LIST_PATH: optional(
    text({
      form: '/etc/reconfirm/disposable-domains.txt',
      describe:
        'File of further domains, one a line, # for remarks; read at the start. It adds to the list of the package disposable-email-domains-js.',
    }),
  ),
  PURPOSE_SEND_WITHIN: custom(
    {
      form: 'recovery=900,invitation=172800',
      fallback: '',
      describe:
        'Seconds after which a message that could not be handed over is of no use any more: it is not sent, and ends as FAILED with the reason too_late. Defaults: as long as its link works, but at most a day, and an hour for relayed (ten minutes by SMS).',
    },
    parseSendWithin,
  ),
  DEFAULT_LOCALE: choice({
    values: supportedLocales,
    fallback: 'en',
    describe: 'Language of mails and pages when neither the request nor the account names one we have.',
  }),
  EVENT_PORTS: custom(
    {
      form: '443,8443',
      fallback: '443',
      describe: 'Ports that the webhooks of a host application may have.',
    },
    parsePorts,
  ),
  EVENT_LOOPBACK: choice({
    values: ['off', 'on'],
    fallback: 'off',
    describe:
      'on: events may also go to this machine, by http and to any port. For development; refused in production.',
  }),
  SHUTDOWN_TIMEOUT_SECONDS: integer({
    min: 1,
    max: 300,
    fallback: '20',
    describe:
      'After SIGTERM: how long work in hand may take before it is given back. The process ends at most 5 s later.',
  }),
  NOTICE_ALREADY_VERIFIED: choice({
    values: ['off', 'on'],
    fallback: 'off',
    describe:
      'Whether a person who asks again for an address that is already proved gets a mail that says so, at most one a day. The answer of the API does not change.',
  }),
  NOTICE_UNKNOWN_ACCOUNT: choice({
    values: ['off', 'on'],
    fallback: 'off',
    describe:
      'Whether the owner of an address without an account gets a mail that somebody tried, at most one a day. Mind that strangers can then make you mail anybody. While on, the address of every request is kept, encrypted, until it is settled.',
  }),
  BRAND_NAME: text({
    form: 'any text',
    fallback: 'Reconfirm',
    describe: 'Name that mails and pages speak for.',
  }),
  BRAND_LOGO_URL: optional(
    url({
      schemes: ['https:'],
      form: 'https://cdn.example.com/logo.png',
      describe:
        'Picture above the name in mails. Empty: the name alone, and a mail loads nothing from anywhere.',
    }),
  ),
  BRAND_LOGO_DARK_URL: optional(
    url({
      schemes: ['https:'],
      form: 'https://cdn.example.com/logo-dark.png',
      describe: 'The same picture for dark mail programs.',
    }),
  ),
  BRAND_BUTTON_COLOR: optional(
    custom({ form: '#1d4ed8', describe: 'Colour of the button in mails.' }, readColor),
  ),
  BRAND_BUTTON_TEXT_COLOR: optional(
    custom(
      {
        form: '#ffffff',
        describe:
          'Colour of its words. Where the two do not differ enough to be read (4.5:1), both are ours.',
      },
      readColor,
    ),
  ),
  SUPPORT_URL: optional(
    url({
      schemes: ['https:'],
      form: 'https://example.com/help',
      describe: 'Where mails send people who need help.',
    }),
  ),
} as const;
