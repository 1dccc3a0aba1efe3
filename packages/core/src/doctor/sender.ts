import type { DoctorConfig } from '../config/doctor-settings.ts';
import { hostOf } from '../public-address.ts';
import { isReporting, reportSettings, smtpUrlOf } from '../config/provider-problems.ts';
import { providers } from '../providers/registry.ts';
import { Secret } from '../secret.ts';
import { domainOf } from './domain.ts';
import { type MailService, mailServiceName, type MailServiceName, mailServices } from './mail-service.ts';

/** How the SMTP server is reached. The password is in `login` and nowhere else. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. */
  readonly implicitTls: boolean;
  /** `required`: STARTTLS or nothing. */
  readonly tls: 'required' | 'off';
  readonly login: { readonly user: Secret; readonly password: Secret } | undefined;
}

export interface WebhookSetUp {
  /** The setting that holds the key which its calls are verified by. */
  readonly setting: string;
  readonly keyIsSet: boolean;
  readonly path: string;
}

/** In whose name mail is sent and how, as far as this place knows it. */
export interface Sender {
  readonly provider: DoctorConfig['EMAIL_PROVIDER'];
  readonly serviceName: MailServiceName | undefined;
  readonly service: MailService | undefined;
  /** Undefined where MAIL_FROM is not known here. */
  readonly from: string | undefined;
  readonly replyTo: string | undefined;
  /** MAIL FROM as we hand it over; a service may put another in its place (`ReturnPath`). */
  readonly bounceAddress: string | undefined;
  readonly smtp: SmtpServer | undefined;
  /** Where DKIM keys are looked for besides the domain of From: Mailgun's logins name the signing domain. */
  readonly signingDomain: string | undefined;
  readonly dkimSelectors: readonly string[];
  readonly publicUrl: string | undefined;
  /** Undefined where the provider reports nothing by webhook. */
  readonly webhook: WebhookSetUp | undefined;
  /** So far from the time of this host a signed report may lie; one beyond it is refused. */
  readonly webhookSkewSecondsMax: number;
}

/** The sender that the settings describe. `--domain` and the like come in `MAIL_FROM` and `DKIM_SELECTORS`. */
export const senderOf = (config: DoctorConfig, bounceDomain?: string): Sender => {
  const smtp = smtpServerOf(config);
  const serviceName = mailServiceName(config.EMAIL_PROVIDER, smtp?.host);
  const from = config.MAIL_FROM?.address;
  const loginDomain = domainOfLogin(smtp);
  return {
    provider: config.EMAIL_PROVIDER,
    serviceName,
    service: serviceName && mailServices[serviceName],
    from,
    replyTo: config.MAIL_REPLY_TO?.address,
    bounceAddress: bounceDomain === undefined ? from : `bounces@${bounceDomain}`,
    smtp,
    signingDomain: serviceName === 'mailgun' ? loginDomain : undefined,
    dkimSelectors: config.DKIM_SELECTORS,
    publicUrl: config.PUBLIC_URL,
    webhook: webhookOf(config),
    webhookSkewSecondsMax: skewSecondsMaxOf(config),
  };
};

/** A host that is behind sees reports of the future; one that is ahead sees late ones, which may be taken. */
const skewSecondsMaxOf = (config: DoctorConfig): number =>
  config.WEBHOOK_LATE === 'store'
    ? config.WEBHOOK_MAX_FUTURE_SECONDS
    : Math.min(config.WEBHOOK_MAX_FUTURE_SECONDS, config.WEBHOOK_MAX_AGE_SECONDS);

const webhookOf = (config: DoctorConfig): WebhookSetUp | undefined => {
  const { EMAIL_PROVIDER: name } = config;
  if (!isReporting(name)) return undefined;
  const setting = reportSettings[name];
  const keyIsSet = (config[setting]?.length ?? 0) > 0;
  return { setting, path: providers[name].webhook.path, keyIsSet };
};

/** The URL of the server, given or the provider's own; undefined where the worker's settings are not known. */
const smtpUrl = (config: DoctorConfig): Secret | undefined => {
  if (config.SMTP_URL !== undefined) return config.SMTP_URL;
  const { SMTP_USER = '', SMTP_PASSWORD, SES_REGION } = config;
  const server = smtpUrlOf({ ...config, SMTP_URL: undefined, SMTP_USER, SMTP_PASSWORD, SES_REGION });
  return 'url' in server ? server.url : undefined;
};

const smtpServerOf = (config: DoctorConfig): SmtpServer | undefined => {
  const given = smtpUrl(config);
  if (given === undefined) return undefined;
  const url = new URL(given.reveal());
  const implicitTls = url.protocol === 'smtps:';
  return {
    host: hostOf(url),
    port: url.port === '' ? (implicitTls ? 465 : 587) : Number(url.port),
    implicitTls,
    tls: config.SMTP_TLS,
    login:
      url.username === '' || url.password === ''
        ? undefined
        : {
            user: new Secret(decoded(url.username)),
            password: new Secret(decoded(url.password)),
          },
  };
};

/** A % that begins no escape is the worker's to complain of, at its start; here it is taken as it is. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** The domain of a login like `postmaster@mg.example.com`. */
const domainOfLogin = (smtp: SmtpServer | undefined): string | undefined => {
  const user = smtp?.login?.user.reveal() ?? '';
  return user.includes('@') ? domainOf(user) || undefined : undefined;
};
