import type { SmtpServer } from '../providers/provider.ts';
import { findProvider, type ReportingProviderName } from '../providers/registry.ts';
import { Secret } from '../secret.ts';
import type { ApiConfig, WorkerConfig } from './config.ts';

/** What each provider's reports are verified by. */
export const reportSettings = {
  mailgun: 'MAILGUN_WEBHOOK_SIGNING_KEY',
  ses: 'SES_TOPIC_ARNS',
  sendgrid: 'SENDGRID_WEBHOOK_PUBLIC_KEY',
  postmark: 'POSTMARK_WEBHOOK_SECRET',
  resend: 'RESEND_WEBHOOK_SECRET',
  brevo: 'BREVO_WEBHOOK_SECRET',
} as const satisfies Record<ReportingProviderName, keyof ApiConfig>;

export const isReporting = (name: string): name is ReportingProviderName =>
  Object.hasOwn(reportSettings, name);

/** A provider whose reports nobody believes would leave every message at SENT without a word. */
export const apiProviderProblems = (config: ApiConfig): readonly string[] => {
  const { EMAIL_PROVIDER: name } = config;
  if (!isReporting(name) || (config[reportSettings[name]]?.length ?? 0) > 0) return [];
  return [
    `${reportSettings[name]} is required with EMAIL_PROVIDER=${name}: without it no report is believed`,
  ];
};

type SmtpSettings = Pick<
  WorkerConfig,
  'EMAIL_PROVIDER' | 'SMTP_URL' | 'SMTP_USER' | 'SMTP_PASSWORD' | 'SES_REGION'
>;

type SmtpUrl = { readonly url: Secret } | { readonly problems: readonly string[] };

/** Where the mail is handed over: SMTP_URL, or the provider's own server with a user and a password. */
export const smtpUrlOf = (config: SmtpSettings): SmtpUrl => {
  const { EMAIL_PROVIDER: name, SMTP_URL: url, SMTP_PASSWORD: password } = config;
  if (url !== undefined)
    return password === undefined && config.SMTP_USER === ''
      ? { url }
      : { problems: ['SMTP_URL holds user and password; set it, or SMTP_USER and SMTP_PASSWORD, not both'] };
  const server = findProvider(name)?.smtpServer;
  return server === undefined
    ? { problems: [`SMTP_URL is required with EMAIL_PROVIDER=${name}`] }
    : urlOfServer(config, server);
};

const urlOfServer = (config: SmtpSettings, server: SmtpServer): SmtpUrl => {
  const password = config.SMTP_PASSWORD?.reveal() ?? '';
  const user = server.userIsPassword === true ? password : (server.user ?? config.SMTP_USER);
  const region = config.SES_REGION ?? '';
  const needed = [
    ['SMTP_USER', user === '' && server.userIsPassword !== true],
    ['SMTP_PASSWORD', password === ''],
    ['SES_REGION', region === '' && server.host.includes('{region}')],
  ] as const;
  const problems = needed.flatMap(([setting, isMissing]) =>
    isMissing ? [`${setting} (or SMTP_URL) is required with EMAIL_PROVIDER=${config.EMAIL_PROVIDER}`] : [],
  );
  if (problems.length > 0) return { problems };
  const [userText, passwordText] = [user, password].map(encodeURIComponent);
  const host = server.host.replace('{region}', region);
  return { url: new Secret(`smtp://${userText}:${passwordText}@${host}:${server.port}`) };
};

/** What is missing or wrong in the settings by which the worker hands mail over. */
export const workerProviderProblems = (config: WorkerConfig): readonly string[] => {
  if (findProvider(config.EMAIL_PROVIDER)?.carriesMail !== 'smtp') return [];
  const server = smtpUrlOf(config);
  return 'problems' in server ? server.problems : [];
};
