import { parseLimits } from '../limits.ts';
import {
  parseAllowedPrefixes,
  parseSmsBudget,
  parseSmsCountries,
  parseSmsCountry,
  parseSmsPrices,
} from '../sms-policy.ts';
import { choice, custom, integer, optional, secret, secretUrl, text, url } from './setting.ts';
import { rateSetting } from './rate-setting.ts';

/** SMS settings that both processes read. */
export const smsSharedSettings = {
  SMS_PROVIDER: choice({
    values: ['twilio', 'http', 'log', 'none'],
    fallback: 'none',
    describe:
      'Who carries SMS. http is any gateway that speaks the contract of docs/sms.md; log writes a line instead (development only); none makes the codes and sends nothing.',
  }),
  SMS_COUNTRIES: custom(
    {
      form: 'DK,SE (ISO 3166), or *',
      fallback: '',
      describe:
        'Countries that SMS may go to; empty: none, SMS is off. * allows all, outside production only. Each number counts for the country that its block belongs to (+44 7911 1 is Guernsey).',
    },
    parseSmsCountries,
  ),
  SMS_ALLOW_PREFIXES: custom(
    {
      form: 'DK:+4591,GB:+447999',
      fallback: '',
      describe:
        'Number blocks that are taken although they are not known as mobile: new ones, or VoIP. Their country must be allowed as well.',
    },
    parseAllowedPrefixes,
  ),
  TWILIO_AUTH_TOKEN: optional(
    secret(
      text({
        form: 'the auth token, two with a comma while rotating',
        describe: 'Authenticates to Twilio (the first one) and verifies its webhooks (any of them).',
      }),
    ),
  ),
} as const;

/** SMS settings of apps/api. */
export const smsApiSettings = {
  RATE_LIMIT_PHONE: custom(
    {
      form: 'count/seconds, several with a comma, or off',
      fallback: '1/60,3/600,10/86400',
      describe:
        'Messages of one kind to one phone number, for contracts that document no limit of their own.',
    },
    parseLimits,
  ),
  SMS_DEFAULT_COUNTRY: optional(
    custom(
      {
        form: 'DK (ISO 3166)',
        describe:
          'Country of numbers that are typed without one, in v1. Empty: such numbers are refused, for a country is never guessed.',
      },
      parseSmsCountry,
    ),
  ),
  SMS_LIMITER_ON_ERROR: choice({
    values: ['closed', 'postgres'],
    fallback: 'closed',
    describe:
      'When Redis does not answer: refuse requests for SMS with 503, because each costs money, or count the rows in Postgres.',
  }),
  SMS_WEBHOOK_SECRET: optional(
    secret(
      text({
        form: 'whsec_<base64>, two with a comma while rotating',
        describe: 'Verifies POST /v1/sms/webhook (SMS_PROVIDER=http). Without it every report is refused.',
      }),
    ),
  ),
} as const;

/** SMS settings of apps/mailer-worker. */
export const smsWorkerSettings = {
  SMS_FROM: text({
    form: 'a number, an alphanumeric sender or a MessagingServiceSid',
    fallback: '',
    describe: 'Sender of every SMS. Required with SMS_PROVIDER=twilio.',
  }),
  TWILIO_ACCOUNT_SID: text({
    form: 'AC and 32 hex digits',
    fallback: '',
    describe: 'Account at Twilio. Required with SMS_PROVIDER=twilio.',
  }),
  TWILIO_API_URL: url({
    schemes: ['https:', 'http:'],
    form: 'https://api.twilio.com',
    fallback: 'https://api.twilio.com',
    describe: 'Where the API of Twilio is, for its other regions. https in production.',
  }),
  SMS_HTTP_URL: optional(
    secretUrl({
      schemes: ['https:', 'http:'],
      form: 'https://gateway.example.com/sms',
      describe: 'Where each SMS is posted. Required with SMS_PROVIDER=http; https in production.',
    }),
  ),
  SMS_HTTP_TOKEN: optional(secret(text({ form: 'any text', describe: 'Bearer token for SMS_HTTP_URL.' }))),
  SMS_TIMEOUT_SECONDS: integer({
    min: 1,
    max: 60,
    fallback: '15',
    describe: 'Hard deadline of one hand-over to the SMS provider, whatever it does.',
  }),
  SMS_CONCURRENCY: integer({
    min: 1,
    max: 200,
    fallback: '16',
    describe: 'SMS in hand at once in one worker.',
  }),
  SMS_SEND_RATE: rateSetting(
    'Most hand-overs of SMS of all workers together, for instance 1/1 for one long number at Twilio. Empty: no limit.',
  ),
  SMS_PRICES: custom(
    {
      form: 'DK=0.05,default=0.10',
      fallback: '',
      describe:
        'What a segment of an SMS costs, by country, in the currency of the budgets. A country without a price gets no SMS.',
    },
    parseSmsPrices,
  ),
  SMS_BUDGET_PREFIX: integer({
    min: 1,
    max: 1_000_000,
    fallback: '20',
    describe: 'Most SMS in an hour to one number block (the first seven digits).',
  }),
  SMS_BUDGET_COUNTRY: custom(
    {
      form: 'money in an hour/in a day',
      fallback: '10/50',
      describe: 'Most that SMS to one country may cost.',
    },
    parseSmsBudget,
  ),
  SMS_BUDGET_ORGANIZATION: custom(
    {
      form: 'money in an hour/in a day',
      fallback: '10/50',
      describe: 'Most that SMS of one organization may cost.',
    },
    parseSmsBudget,
  ),
  SMS_BUDGET_GLOBAL: custom(
    { form: 'money in an hour/in a day', fallback: '20/100', describe: 'Most that all SMS may cost.' },
    parseSmsBudget,
  ),
  SMS_PAUSE_BELOW_PERCENT: integer({
    min: 0,
    max: 100,
    fallback: '10',
    describe:
      'A number block or a country is paused when fewer of its codes than this share were used in the last day, until an operator releases it. 0: never.',
  }),
  SMS_PAUSE_AFTER_SENDS: integer({
    min: 5,
    max: 500,
    fallback: '30',
    describe: 'How many SMS of a day (older than 5 minutes) it takes to judge a block or a country.',
  }),
} as const;
