import { apiSettings } from './api-settings.ts';
import { bounceProblems } from './bounce-settings.ts';
import { contractsWithSessions } from '../contract.ts';
import { failoverProblems } from './failover-settings.ts';
import { captchaProblems } from './captcha-settings.ts';
import type { EndpointRules } from '../public-address.ts';
import type { PurposePolicies } from '../purposes/policy.ts';
import type { Notices } from '../resolve.ts';
import { signup } from '../purposes/signup.ts';
import { lookupProblems } from './lookup-settings.ts';
import { apiProviderProblems, smtpUrlOf, workerProviderProblems } from './provider-problems.ts';
import { sharedSmsProblems, workerSmsProblems } from './sms-problems.ts';
import { judgeRedirect, withOwnOrigin } from '../redirect.ts';
import { type ConfigOf, readSettings } from './setting.ts';
import { workerSettings } from './worker-settings.ts';

export type ApiConfig = ConfigOf<typeof apiSettings>;
export type WorkerConfig = ConfigOf<typeof workerSettings>;

/** Environment variables as a plain record; files of NAME_FILE already read. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Read<C> = { readonly config: C } | { readonly problems: readonly string[] };

/** Whether a Redis URL names a database other than 0. */
const namesDatabase = (url: string): boolean => {
  if (!URL.canParse(url)) return false;
  const { pathname, searchParams } = new URL(url);
  return [pathname.slice(1), searchParams.get('db') ?? ''].some((database) => Number(database) > 0);
};

/** Rules between settings, for both processes. */
const sharedProblems = (config: ApiConfig | WorkerConfig): string[] => {
  const problems: string[] = [];
  const production = config.NODE_ENV === 'production';
  if (config.QUEUE_BACKEND === 'redis' && config.REDIS_URL === undefined)
    problems.push('REDIS_URL is required with QUEUE_BACKEND=redis; set it, or QUEUE_BACKEND=postgres');
  if (config.REDIS_CLUSTER_NODES.length > 0 && namesDatabase(config.REDIS_URL?.reveal() ?? ''))
    problems.push('REDIS_URL must name no database but 0 with REDIS_CLUSTER_NODES: a cluster has no other');
  if (config.QUEUE_BACKEND === 'postgres' && config.DATABASE_POOLER === 'transaction')
    problems.push(
      'DATABASE_POOLER=transaction needs QUEUE_BACKEND=redis: the queue on Postgres listens, and a connection that is shared between transactions hears nothing',
    );
  if (production && !config.PUBLIC_URL.startsWith('https:'))
    problems.push('PUBLIC_URL must start with https:// in production');
  if (production && config.REDIRECT_ORIGINS.kind === 'any')
    problems.push(
      'REDIRECT_ORIGINS must not be * in production: anybody could send a token to a site of theirs',
    );
  if (production && config.EVENT_LOOPBACK === 'on')
    problems.push(
      'EVENT_LOOPBACK must not be on in production: anybody who sets a webhook could reach this machine',
    );
  if (production && config.EMAIL_PROVIDER === 'log')
    problems.push('EMAIL_PROVIDER must not be log in production: no mail would leave');
  if (production && config.FAILPOINT !== undefined)
    problems.push('FAILPOINT must not be set in production: it ends the process');
  return [...problems, ...sharedSmsProblems(config)];
};

/** Where events may go. */
export const endpointRulesOf = (
  config: Pick<ApiConfig | WorkerConfig, 'EVENT_PORTS' | 'EVENT_LOOPBACK'>,
): EndpointRules => ({ ports: config.EVENT_PORTS, loopback: config.EVENT_LOOPBACK === 'on' });

/** What the settings want otherwise than the purposes' own defaults. */
export const purposePoliciesOf = (
  config: Pick<
    ApiConfig | WorkerConfig,
    'PURPOSE_LIFETIMES' | 'PURPOSE_LIVE_TOKENS' | 'PURPOSE_SEND_WITHIN' | 'VERIFICATION_TOKEN_TTL_HOURS'
  >,
): PurposePolicies => {
  const { codeSeconds } = signup.lifetime;
  const ofSignup = { linkSeconds: config.VERIFICATION_TOKEN_TTL_HOURS * 3600, codeSeconds };
  return {
    lifetimes: new Map([[signup.name, ofSignup], ...config.PURPOSE_LIFETIMES]),
    liveTokens: config.PURPOSE_LIVE_TOKENS,
    sendWithin: config.PURPOSE_SEND_WITHIN,
  };
};

/** Pages of applications that links lead to: judged like every redirect, again by the worker that sends them. */
const pagesOfContracts = [
  'SINGULARITY_VERIFICATION_URL',
  'SINGULARITY_PASSWORD_RESET_URL',
  'ENTRYGUARD_SET_PASSWORD_URL',
] as const;

/** What the contracts that are on need besides. */
const contractProblems = (config: ApiConfig): string[] => {
  const problems: string[] = [];
  const signingIn = config.CONTRACTS.find((name) => contractsWithSessions.includes(name));
  if (signingIn !== undefined && config.SESSION_KEYS === undefined)
    problems.push(`SESSION_KEYS is required with CONTRACTS=${signingIn}: its answers carry sessions`);
  const redirects = withOwnOrigin(config.REDIRECT_ORIGINS, config.PUBLIC_URL);
  for (const name of pagesOfContracts) {
    const page = config[name];
    if (page !== undefined && !judgeRedirect(page, redirects, config.NODE_ENV === 'production').allowed)
      problems.push(
        `${name} must have an origin that REDIRECT_ORIGINS lists, no credentials and no fragment, and https in production`,
      );
  }
  return [...problems, ...gotrueProblems(config)];
};

const gotrueProblems = (config: ApiConfig): readonly string[] => {
  if (!config.CONTRACTS.includes('gotrue')) return [];
  if (config.GOTRUE_SITE_URL === undefined)
    return ['GOTRUE_SITE_URL is required with CONTRACTS=gotrue: people are sent there after a link'];
  // The operator's own choice: its origin need not be listed again.
  const judged = judgeRedirect(config.GOTRUE_SITE_URL, { kind: 'any' }, config.NODE_ENV === 'production');
  return judged.allowed
    ? []
    : ['GOTRUE_SITE_URL must be a URL without credentials and fragment, and https in production'];
};

/** Which notices go to people who ask for what they cannot get. */
export const noticesOf = (
  config: Pick<ApiConfig | WorkerConfig, 'NOTICE_ALREADY_VERIFIED' | 'NOTICE_UNKNOWN_ACCOUNT'>,
): Notices => ({
  alreadyVerified: config.NOTICE_ALREADY_VERIFIED === 'on',
  unknownAccount: config.NOTICE_UNKNOWN_ACCOUNT === 'on',
});

/** The API's configuration, or every problem with it. */
export const readApiConfig = (environment: Environment): Read<ApiConfig> => {
  const read = readSettings(apiSettings, environment);
  if ('problems' in read) return read;
  const { config } = read;
  const problems = [
    ...sharedProblems(config),
    ...contractProblems(config),
    ...captchaProblems(config),
    ...apiProviderProblems(config),
  ];
  // An `iss` of our own would let somebody else's keys sign for our sessions.
  if (config.FOREIGN_ISSUERS.some(({ issuer }) => issuer === config.PUBLIC_URL))
    problems.push('FOREIGN_ISSUERS must not name PUBLIC_URL: those tokens are our own');
  if (config.GOTRUE_HOOK_SECRETS !== undefined && config.GOTRUE_HOOK_VERIFY_URL === undefined)
    problems.push('GOTRUE_HOOK_VERIFY_URL is required with GOTRUE_HOOK_SECRETS');
  return problems.length > 0 ? { problems } : read;
};

/** The worker's configuration, or every problem with it. */
export const readWorkerConfig = (environment: Environment): Read<WorkerConfig> => {
  const read = readSettings(workerSettings, environment);
  if ('problems' in read) return read;
  const { config } = read;
  const problems = sharedProblems(config);
  problems.push(...workerProviderProblems(config));
  const server = smtpUrlOf(config);
  const startsInClear = 'url' in server && server.url.reveal().startsWith('smtp:');
  if (config.NODE_ENV === 'production' && config.SMTP_TLS === 'off' && startsInClear)
    problems.push('SMTP_TLS must not be off in production: the link would travel in clear');
  problems.push(
    ...failoverProblems(config),
    ...workerSmsProblems(config),
    ...bounceProblems(config),
    ...lookupProblems(config),
  );
  return problems.length > 0 ? { problems } : { config };
};
