import { providers, type ProviderName, providerNames } from '../providers/registry.ts';
import type { WorkerConfig } from './config.ts';
import { rateSetting } from './rate-setting.ts';
import { choice, optional, secretUrl } from './setting.ts';

const carrying = providerNames.filter((name) => providers[name].carriesMail !== 'none');

/** The provider that takes the mail when the first one does not. */
export const failoverSettings = {
  EMAIL_FAILOVER_PROVIDER: optional(
    choice<ProviderName>({
      values: carrying,
      describe:
        'Who carries the mail while EMAIL_PROVIDER refuses us or cannot be reached (docs/operations.md). Empty: nobody; the mail waits.',
    }),
  ),
  SMTP_FAILOVER_URL: optional(
    secretUrl({
      schemes: ['smtp:', 'smtps:'],
      form: 'smtp://user:password@smtp.example.net:587',
      describe:
        'Server of EMAIL_FAILOVER_PROVIDER; required with one that takes SMTP. SMTP_TLS holds for it too.',
    }),
  ),
  EMAIL_FAILOVER_SEND_RATE: rateSetting(
    'Most hand-overs of one worker to EMAIL_FAILOVER_PROVIDER, for instance 10/1, within SEND_RATE. The most urgent go first. Empty: no limit of its own.',
  ),
} as const;

/** The configuration as the second provider's transport reads it; null where there is none. */
export const failoverConfigOf = (config: WorkerConfig): WorkerConfig | null =>
  config.EMAIL_FAILOVER_PROVIDER === undefined
    ? null
    : { ...config, EMAIL_PROVIDER: config.EMAIL_FAILOVER_PROVIDER, SMTP_URL: config.SMTP_FAILOVER_URL };

/** What is wrong with the second provider's settings, as sentences. */
export const failoverProblems = (config: WorkerConfig): readonly string[] => {
  const { EMAIL_FAILOVER_PROVIDER: name, SMTP_FAILOVER_URL: url, NODE_ENV } = config;
  if (name === undefined)
    return url === undefined ? [] : ['EMAIL_FAILOVER_PROVIDER is required with SMTP_FAILOVER_URL'];
  const problems: string[] = [];
  const production = NODE_ENV === 'production';
  if (providers[config.EMAIL_PROVIDER].carriesMail === 'none')
    problems.push('EMAIL_FAILOVER_PROVIDER must be empty with EMAIL_PROVIDER=none: no mail is sent');
  if (production && name === 'log')
    problems.push('EMAIL_FAILOVER_PROVIDER must not be log in production: no mail would leave');
  if (providers[name].carriesMail === 'smtp' && url === undefined)
    problems.push(`SMTP_FAILOVER_URL is required with EMAIL_FAILOVER_PROVIDER=${name}`);
  if (production && config.SMTP_TLS === 'off' && url?.reveal().startsWith('smtp:') === true)
    problems.push(
      'SMTP_TLS must not be off in production: the link would travel in clear to SMTP_FAILOVER_URL',
    );
  return problems;
};
