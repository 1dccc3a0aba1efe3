import type { Channel } from '../destination.ts';
import type { LookUpSettings, ProviderLookUp } from '../providers/look-up.ts';
import { providers } from '../providers/registry.ts';
import { Secret } from '../secret.ts';
import { smsProviders } from '../sms-providers/registry.ts';
import type { WorkerConfig } from './config.ts';
import { integer, optional, secret, text, url } from './setting.ts';

const apiKey = (form: string, describe: string) => optional(secret(text({ form, describe })));

const apiUrl = (form: string, describe: string) =>
  url({ schemes: ['https:', 'http:'], form, fallback: form, describe });

/** By what a provider is asked what became of a message that it has reported nothing of. */
export const lookupSettings = {
  LOOKUP_AFTER_SECONDS: integer({
    min: 0,
    max: 86_400,
    fallback: '900',
    describe:
      'How long a message has been SENT without a report when its provider is asked for the first time (docs/operations.md); again after an hour, six hours and a day. 0: never.',
  }),
  MAILGUN_API_KEY: apiKey(
    'an API key that may read events',
    'Asks Mailgun what became of messages. Without it Mailgun is not asked.',
  ),
  MAILGUN_API_URL: apiUrl(
    'https://api.mailgun.net',
    'Where the API of Mailgun is; https://api.eu.mailgun.net in the EU. https in production.',
  ),
  MAILGUN_DOMAIN: text({
    form: 'mail.example.com',
    fallback: '',
    describe: 'The sending domain at Mailgun. Empty: that of SMTP_USER, else of MAIL_FROM.',
  }),
  POSTMARK_SERVER_TOKEN: apiKey(
    'a server token',
    'Asks Postmark what became of messages. Without it Postmark is not asked.',
  ),
  RESEND_API_KEY: apiKey(
    'an API key with full access',
    'Asks Resend what became of messages that it has reported something of. Without it Resend is not asked.',
  ),
  BREVO_API_KEY: apiKey(
    'an API key (not the SMTP key)',
    'Asks Brevo what became of messages. Without it Brevo is not asked.',
  ),
  SENDGRID_API_KEY: apiKey(
    'an API key that may read email activity',
    'Asks SendGrid what became of messages, which takes its add-on for the history of email activity. Without it SendGrid is not asked.',
  ),
  SENDGRID_API_URL: apiUrl(
    'https://api.sendgrid.com',
    'Where the API of SendGrid is; https://api.eu.sendgrid.com for regional subusers. https in production.',
  ),
} as const;

/** A provider that can be asked, and with what. */
export interface AskableProvider {
  /** As messages name who carried them. */
  readonly name: string;
  readonly channel: Channel;
  readonly lookUp: ProviderLookUp;
  readonly settings: LookUpSettings;
}

const withoutSlash = (address: string): string => address.replace(/\/+$/, '');

/** The domain that a user of Mailgun's SMTP server sends for stands in its name. */
const mailgunDomain = (config: WorkerConfig): string =>
  config.MAILGUN_DOMAIN ||
  config.SMTP_USER.split('@')[1] ||
  config.MAIL_FROM.address.slice(config.MAIL_FROM.address.lastIndexOf('@') + 1);

/**
 * Who is asked, by the settings that are there: also a provider that was left, for as long as it may still
 * know something. Twilio is asked with what it is sent with.
 */
export const askableProviders = (config: WorkerConfig): readonly AskableProvider[] => {
  if (config.LOOKUP_AFTER_SECONDS === 0) return [];
  const mail = (
    name: 'mailgun' | 'postmark' | 'resend' | 'brevo' | 'sendgrid',
    key: Secret | undefined,
    more: Partial<Pick<LookUpSettings, 'apiUrl' | 'accountId'>> = {},
  ): readonly AskableProvider[] => {
    if (key === undefined) return [];
    const { lookUp } = providers[name];
    return [
      { name, channel: 'email', lookUp, settings: { apiUrl: lookUp.apiUrl, accountId: '', key, ...more } },
    ];
  };
  const token = config.TWILIO_AUTH_TOKEN?.reveal().split(',')[0]?.trim() ?? '';
  const { lookUp } = smsProviders.twilio;
  const sms: readonly AskableProvider[] =
    token === '' || config.TWILIO_ACCOUNT_SID === ''
      ? []
      : [
          {
            name: 'twilio',
            channel: 'sms',
            lookUp,
            settings: {
              apiUrl: withoutSlash(config.TWILIO_API_URL),
              accountId: config.TWILIO_ACCOUNT_SID,
              key: new Secret(token),
            },
          },
        ];
  return [
    ...mail('mailgun', config.MAILGUN_API_KEY, {
      apiUrl: withoutSlash(config.MAILGUN_API_URL),
      accountId: mailgunDomain(config),
    }),
    ...mail('postmark', config.POSTMARK_SERVER_TOKEN),
    ...mail('resend', config.RESEND_API_KEY),
    ...mail('brevo', config.BREVO_API_KEY),
    ...mail('sendgrid', config.SENDGRID_API_KEY, { apiUrl: withoutSlash(config.SENDGRID_API_URL) }),
    ...sms,
  ];
};

/** What is wrong with these settings, as sentences. */
export const lookupProblems = (config: WorkerConfig): readonly string[] =>
  config.NODE_ENV === 'production'
    ? (['MAILGUN_API_URL', 'SENDGRID_API_URL'] as const)
        .filter((name) => !config[name].startsWith('https:'))
        .map((name) => `${name} must start with https:// in production: the API key would travel in clear`)
    : [];
