import type { SmtpServer } from '../providers/provider.ts';
import { findProvider, type ReportingProviderName } from '../providers/registry.ts';
import { Secret } from '../secret.ts';
import type { ApiConfig, WorkerConfig } from './config.ts';

/** What each provider's reports are verified by. */
const reportSettings = {
  mailgun: 'MAILGUN_WEBHOOK_SIGNING_KEY',
  ses: 'SES_TOPIC_ARNS',
  sendgrid: 'SENDGRID_WEBHOOK_PUBLIC_KEY',
  postmark: 'POSTMARK_WEBHOOK_SECRET',
  resend: 'RESEND_WEBHOOK_SECRET',
  brevo: 'BREVO_WEBHOOK_SECRET',
} as const satisfies Record<ReportingProviderName, keyof ApiConfig>;

const isReporting = (name: string): name is ReportingProviderName => Object.hasOwn(reportSettings, name);

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

/** Where the mail is handed over: SMTP_URL, or the provider's own server with a user and a password. */
export const smtpUrlOf = (
  config: SmtpSettings,
): { readonly url: Secret } | { readonly problems: readonly string[] } => {
  const { EMAIL_PROVIDER: name, SMTP_URL: url, SMTP_PASSWORD: password } = config;
  if (url !== undefined)
    return password === undefined && config.SMTP_USER === ''
      ? { url }
      : { problems: ['SMTP_URL holds user and password; set it, or SMTP_USER and SMTP_PASSWORD, not both'] };
  const server = findProvider(name)?.smtpServer;
  if (server === undefined) return { problems: [`SMTP_URL is required with EMAIL_PROVIDER=${name}`] };
  if (password === undefined)
    return { problems: [`SMTP_PASSWORD (or SMTP_URL) is required with EMAIL_PROVIDER=${name}`] };
  return urlOfServer(config, server, password);
};

const urlOfServer = (
  config: SmtpSettings,
  server: SmtpServer,
  password: Secret,
): { readonly url: Secret } | { readonly problems: readonly string[] } => {
  const user = server.userIsPassword === true ? password.reveal() : (server.user ?? config.SMTP_USER);
  const needsRegion = server.host.includes('{region}');
  const problems = [
    ...(user === '' ? [`SMTP_USER is required with EMAIL_PROVIDER=${config.EMAIL_PROVIDER}`] : []),
    ...(needsRegion && config.SES_REGION === undefined
      ? [`SES_REGION (or SMTP_URL) is required with EMAIL_PROVIDER=${config.EMAIL_PROVIDER}`]
      : []),
  ];
  if (problems.length > 0) return { problems };
  const [userText, passwordText] = [user, password.reveal()].map(encodeURIComponent);
  const host = server.host.replace('{region}', config.SES_REGION ?? '');
  return { url: new Secret(`smtp://${userText}:${passwordText}@${host}:${server.port}`) };
};

/** What is missing or wrong in the settings by which the worker hands mail over. */
export const workerProviderProblems = (config: WorkerConfig): readonly string[] => {
  if (findProvider(config.EMAIL_PROVIDER)?.carriesMail !== 'smtp') return [];
  const server = smtpUrlOf(config);
  return 'problems' in server ? server.problems : [];
};
