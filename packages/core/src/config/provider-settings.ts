import { isAddressRange } from '../client-address.ts';
import { readSendgridKey } from '../providers/sendgrid-signature.ts';
import { Secret } from '../secret.ts';
import { choice, custom, customSecret, integer, optional, secret, text } from './setting.ts';

/** One or several keys of a provider, with a comma between while they are being replaced. */
const keys = (
  form: string,
  describe: string,
  isKey: (key: string) => boolean,
): ReturnType<typeof optional<readonly Secret[]>> =>
  optional(
    customSecret<readonly Secret[] | { readonly problem: string }>({ form, describe }, (value) => {
      const given = value
        .split(',')
        .map((key) => key.trim())
        .filter((key) => key !== '');
      return given.every(isKey) ? given.map((key) => new Secret(key)) : { problem: `must be ${form}` };
    }),
  );

/** It goes into a URL or a header as it is. */
const isSharedSecret = (key: string): boolean => /^[A-Za-z0-9_-]{24,200}$/.test(key);
const sharedSecretForm = 'at least 24 letters, digits, - and _, two with a comma while rotating';

const addresses = (describe: string) =>
  custom({ form: '192.0.2.0/24,198.51.100.7', fallback: '', describe }, (value) => {
    const ranges = value
      .split(',')
      .map((range) => range.trim())
      .filter((range) => range !== '');
    return ranges.every(isAddressRange) ? ranges : { problem: 'must list addresses or CIDR ranges' };
  });

const topicPattern = /^arn:aws(?:-cn|-us-gov)?:sns:[a-z0-9-]{1,40}:\d{12}:[A-Za-z0-9_-]{1,256}$/;

/** What the API needs to believe a provider's reports. */
export const providerApiSettings = {
  MAILGUN_WEBHOOK_SIGNING_KEY: keys(
    'the key from the provider, two with a comma while rotating',
    'Verifies POST /v1/mailgun/webhook. Without it every webhook is refused. Required with EMAIL_PROVIDER=mailgun.',
    () => true,
  ),
  SES_TOPIC_ARNS: custom(
    {
      form: 'arn:aws:sns:eu-west-1:123456789012:mail, several with a comma',
      fallback: '',
      describe:
        'The SNS topics whose messages to POST /v1/ses/webhook count; only their subscriptions are confirmed. Required with EMAIL_PROVIDER=ses.',
    },
    (value) => {
      const topics = value
        .split(',')
        .map((topic) => topic.trim())
        .filter((topic) => topic !== '');
      return topics.every((topic) => topicPattern.test(topic))
        ? topics
        : { problem: 'must list ARNs like arn:aws:sns:eu-west-1:123456789012:mail' };
    },
  ),
  SES_SIGNATURE_VERSIONS: choice({
    values: ['2', '1,2'],
    fallback: '2',
    describe:
      'Signatures of SNS that are accepted. 1 is SHA-1 and what a topic uses until its SignatureVersion is set to 2.',
  }),
  SENDGRID_WEBHOOK_PUBLIC_KEY: keys(
    'the verification key that SendGrid shows, two with a comma while rotating',
    'Verifies POST /v1/sendgrid/webhook (signed event webhook). Required with EMAIL_PROVIDER=sendgrid.',
    (key) => readSendgridKey(key) !== undefined,
  ),
  POSTMARK_WEBHOOK_SECRET: keys(
    sharedSecretForm,
    'Verifies POST /v1/postmark/webhook, as https://reconfirm:<secret>@… or in a header (docs/providers.md). Required with EMAIL_PROVIDER=postmark.',
    isSharedSecret,
  ),
  POSTMARK_WEBHOOK_ADDRESSES: addresses(
    'Addresses that Postmark calls from, besides its secret. Empty: any. Mind TRUSTED_PROXIES.',
  ),
  RESEND_WEBHOOK_SECRET: keys(
    'whsec_<base64>, two with a comma while rotating',
    'Verifies POST /v1/resend/webhook. Required with EMAIL_PROVIDER=resend.',
    (key) => /^whsec_[A-Za-z0-9+/]{16,}={0,2}$/.test(key),
  ),
  BREVO_WEBHOOK_SECRET: keys(
    sharedSecretForm,
    'Verifies POST /v1/brevo/webhook, as a token or https://reconfirm:<secret>@… (docs/providers.md). Required with EMAIL_PROVIDER=brevo.',
    isSharedSecret,
  ),
  BREVO_WEBHOOK_ADDRESSES: addresses(
    'Addresses that Brevo calls from, besides its secret. Empty: any. Mind TRUSTED_PROXIES.',
  ),
  WEBHOOK_MAX_AGE_SECONDS: integer({
    min: 30,
    max: 604_800,
    fallback: '900',
    describe: 'Age of the signed time of a report of mail from which on it is late (WEBHOOK_LATE).',
  }),
  WEBHOOK_MAX_FUTURE_SECONDS: integer({
    min: 0,
    max: 86_400,
    fallback: '300',
    describe: 'How far in the future that time may lie. Beyond, the report is refused.',
  }),
  WEBHOOK_LATE: choice({
    values: ['store', 'refuse'],
    fallback: 'store',
    describe:
      'A well signed report that is late is taken when it is new, up to 7 days (Mailgun: one), and counted as late; or refused with 401. A retry can carry the first signature, so refuse loses what came while Postgres was away.',
  }),
} as const;

/** Who we are at the provider's own SMTP server. */
export const providerServerSettings = {
  SMTP_USER: text({
    form: 'a user name',
    fallback: '',
    describe:
      'In place of SMTP_URL: the user at the provider’s own server (mailgun, ses, brevo). SendGrid, Postmark and Resend need none.',
  }),
  SMTP_PASSWORD: optional(
    secret(
      text({
        form: 'an SMTP password, API key or server token',
        describe:
          'In place of SMTP_URL: the password at the provider’s own server. SendGrid and Resend: an API key. Postmark: the server’s token.',
      }),
    ),
  ),
  SES_REGION: optional(
    custom(
      {
        form: 'eu-west-1',
        describe: 'Region of the SMTP server of Amazon SES, when SMTP_URL does not say it.',
      },
      (value) =>
        /^[a-z]{2}(?:-[a-z]{1,12}){1,2}-\d$/.test(value)
          ? value
          : { problem: 'must be a region like eu-west-1' },
    ),
  ),
} as const;

/** How the worker hands mail over to a provider. */
export const providerWorkerSettings = {
  ...providerServerSettings,
  SES_CONFIGURATION_SET: optional(
    custom(
      {
        form: 'a name',
        describe:
          'The configuration set that publishes events to the SNS topic. Empty: the default one of the sending identity.',
      },
      (value) =>
        /^[A-Za-z0-9_-]{1,64}$/.test(value)
          ? value
          : { problem: 'must have 1 to 64 letters, digits, - and _' },
    ),
  ),
  POSTMARK_MESSAGE_STREAM: custom(
    { form: 'an id', fallback: 'outbound', describe: 'The transactional message stream of Postmark.' },
    (value) =>
      /^[a-z0-9][a-z0-9_-]{0,49}$/.test(value)
        ? value
        : { problem: 'must be the id of a stream: small letters, digits, - and _' },
  ),
} as const;
