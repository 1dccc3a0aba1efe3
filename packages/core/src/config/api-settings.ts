import { isAddressRange } from '../client-address.ts';
import { changeModes } from '../contact-change.ts';
import { contractNames, parseContracts } from '../contract.ts';
import { apiFailPointSettings } from './fail-point-settings.ts';
import { gotrueSettings } from './gotrue-settings.ts';
import { limitWindowSecondsMax, parseLimits } from '../limits.ts';
import { parseLimitsByPurpose } from '../purposes/policy.ts';
import { parseClientAddressKeys } from '../signed-client-address.ts';
import { parseWebhookSecrets } from '../relay/standard-webhook.ts';
import { Secret } from '../secret.ts';
import { providerApiSettings } from './provider-settings.ts';
import { sessionSettings } from './session-settings.ts';
import { choice, custom, customSecret, integer, optional, secret, text, url } from './setting.ts';
import { entryguardSettings } from './entryguard-settings.ts';
import { singularitySettings } from './singularity-settings.ts';
import { captchaSettings } from './captcha-settings.ts';
import { senderSettings } from './sender-settings.ts';
import { sharedSettings } from './shared-settings.ts';
import { smsApiSettings } from './sms-settings.ts';

const addressRangeList = (value: string): readonly string[] | { readonly problem: string } => {
  const ranges = value
    .split(',')
    .map((r) => r.trim())
    .filter((r) => r !== '');
  const wrong = ranges.find((r) => !isAddressRange(r));
  return wrong === undefined
    ? ranges
    : {
        problem: `must list addresses or CIDR ranges; ${wrong} is neither (a number of hops is not accepted)`,
      };
};

/** Settings of apps/api. */
export const apiSettings = {
  ...sharedSettings,
  HOST: text({ form: 'an address', fallback: '0.0.0.0', describe: 'Address to listen on.' }),
  PORT: integer({
    min: 0,
    max: 65_535,
    fallback: '3000',
    describe: 'Port to listen on; 0 takes a free one.',
  }),
  CONTRACTS: custom(
    {
      form: `some of ${contractNames.join(',')}`,
      fallback: 'v1',
      describe:
        'The HTTP contracts that are spoken. Accounts, limits and tokens are the same in all of them.',
    },
    parseContracts,
  ),
  TRUSTED_PROXIES: custom(
    {
      form: '10.0.0.0/8,2001:db8::/32',
      fallback: '',
      describe:
        'Proxies whose X-Forwarded-For counts, as CIDR ranges. Empty: forwarded headers change nothing.',
    },
    addressRangeList,
  ),
  CLIENT_ADDRESS_KEYS: optional(
    customSecret(
      {
        form: 'at least 32 characters, two with a comma while rotating',
        describe:
          'Keys of your own servers, which then name the person for whom they ask in the header Reconfirm-Client-Address (docs/limits.md). A header that was not signed with one of them is refused. Without any, every such header is.',
      },
      parseClientAddressKeys,
    ),
  ),
  CLIENT_ADDRESS_MAX_AGE_SECONDS: integer({
    min: 10,
    max: 3600,
    fallback: '300',
    describe: 'How far the time of such a header may be off, either way.',
  }),
  IPV6_PREFIX_BITS: integer({
    min: 32,
    max: 64,
    fallback: '64',
    describe: 'How much of an IPv6 address names one client for the limits.',
  }),
  RATE_LIMIT_IP: custom(
    {
      form: 'count/seconds, several with a comma, or off',
      fallback: '5/3600',
      describe: 'Requests of one client address, registrations and resends together.',
    },
    parseLimits,
  ),
  RATE_LIMIT_ADDRESS: custom(
    {
      form: 'count/seconds, several with a comma, or off',
      fallback: '1/60',
      describe: 'Mails to one address: the cooldown. Add a daily cap as 1/60,10/86400.',
    },
    parseLimits,
  ),
  PURPOSE_RATE_LIMITS: custom(
    {
      form: 'recovery=1/120,5/86400;magiclink=1/30',
      fallback: '',
      describe:
        'Messages to one address or number for one purpose, in place of what the contract allows: signup, recovery, magiclink, email_change, sms or phone_change. Purposes are separated by semicolons.',
    },
    parseLimitsByPurpose,
  ),
  RATE_LIMIT_MEMORY_SECONDS: integer({
    min: 0,
    max: limitWindowSecondsMax,
    fallback: '0',
    describe:
      'How far the limits of an organization may look back where that is further than the installation’s own do: for so long every counted request is remembered. 86400 lets an organization set a daily cap.',
  }),
  CODE_GUESS_LIMIT: custom(
    {
      form: 'count/seconds',
      fallback: '5/3600',
      describe:
        'Wrong codes that are compared for one address and purpose, over all its messages. A resend does not renew them; the link goes on working.',
    },
    (value) => {
      const limits = parseLimits(value);
      const only = 'problem' in limits || limits.length !== 1 ? undefined : limits[0];
      return only === undefined || only.max > 100
        ? { problem: 'must be one limit like 5/3600, at most 100' }
        : only;
    },
  ),
  LIMITER_TIMEOUT_MS: integer({
    min: 20,
    max: 10_000,
    fallback: '150',
    describe:
      'How long a request waits for Redis to count its limits, before LIMITER_ON_ERROR and SMS_LIMITER_ON_ERROR decide. Redis answers in well under a millisecond.',
  }),
  LIMITER_ON_ERROR: choice({
    values: ['postgres', 'closed', 'open'],
    fallback: 'postgres',
    describe:
      'When Redis does not answer: count the rows in Postgres, refuse with 503, or accept without limits.',
  }),
  EMAIL_CHANGE_MODE: choice({
    values: changeModes,
    fallback: 'both',
    describe:
      'both: a proved current address has to agree to a move with a link of its own. new_only: the new address alone confirms. Either way the old address is told afterwards, with a link that undoes it for 7 days.',
  }),
  ...captchaSettings,
  DISCLOSURE: choice({
    values: ['documented', 'strict'],
    fallback: 'documented',
    describe:
      'documented answers 409 for a verified and 403 for a suspended account, as the v1 contract says, and reads the account first. strict answers every resend alike (a registration still answers 409 for a registered address).',
  }),
  ERROR_CODES: choice({
    values: ['documented', 'specific'],
    fallback: 'documented',
    describe:
      'Spelling of `code` in errors: CONFLICT, or ALREADY_VERIFIED. `reason` is always the specific one.',
  }),
  EMAIL_OFF: choice({
    values: ['rotate', '503', '400'],
    fallback: 'rotate',
    describe:
      'Answer of a resend while EMAIL_PROVIDER=none: 200 with a new token made but not sent, or an error before any limit is charged.',
  }),
  EMAIL_IDENTITY: choice({
    values: ['gmail', 'exact'],
    fallback: 'gmail',
    describe:
      'Which spellings are one account: gmail also ignores dots and +tags of Gmail addresses. Mail always goes to the address as registered. Do not change it once there are accounts.',
  }),
  REDIRECT_ON_MISS: choice({
    values: ['400', 'fallback'],
    fallback: '400',
    describe: 'A redirect URL that is not allowed is refused, or quietly replaced by the stored one.',
  }),
  TEST_MESSAGE_LIMIT: custom(
    {
      form: 'count/seconds, several with a comma, or off',
      fallback: '5/600,30/86400',
      describe:
        'Test messages (POST /v1/admin/test-messages) to one address. They count against nobody’s cooldown.',
    },
    parseLimits,
  ),
  ...sessionSettings,
  ...singularitySettings,
  ...entryguardSettings,
  ...gotrueSettings,
  GOTRUE_HOOK_SECRETS: optional(
    customSecret(
      {
        form: 'v1,whsec_<base64>, two with | while rotating',
        describe:
          'Secret of a GoTrue’s send-email and send-SMS hooks (POST /hooks/gotrue/send-email, /send-sms). Without it these calls are refused.',
      },
      (value) => {
        const secrets = parseWebhookSecrets(value);
        return 'problem' in secrets ? secrets : secrets.map((one) => new Secret(one));
      },
    ),
  ),
  GOTRUE_HOOK_VERIFY_URL: optional(
    url({
      schemes: ['https:', 'http:'],
      form: 'https://auth.example.com/auth/v1/verify',
      describe: 'Where the links of that GoTrue lead. Required with GOTRUE_HOOK_SECRETS.',
    }),
  ),
  KRATOS_COURIER_KEY: optional(
    secret(
      custom(
        {
          form: 'at least 24 characters',
          describe:
            'Key that a Kratos sends as `Authorization: Bearer` to its HTTP courier URL, POST /hooks/kratos/courier. Without it these calls are refused.',
        },
        (value) => (value.length >= 24 ? value : { problem: 'must have at least 24 characters' }),
      ),
    ),
  ),
  RELAY_RATE_LIMIT_ADDRESS: custom(
    {
      form: 'count/seconds, several with a comma, or off',
      fallback: '10/3600',
      describe:
        'Messages of one kind that such a system may send to one address: a brake for the day when it is abused.',
    },
    parseLimits,
  ),
  RELAY_LIFETIME_SECONDS: integer({
    min: 60,
    max: 604_800,
    fallback: '3600',
    describe: 'How long that system’s links and codes work, as its mails say it.',
  }),
  ...senderSettings,
  ...providerApiSettings,
  ...smsApiSettings,
  INTAKE_BATCH_MAX: integer({
    min: 1,
    max: 500,
    fallback: '128',
    describe: 'Most requests that share one INSERT and one commit.',
  }),
  DEMO_PAGE: choice({
    values: ['on', 'off'],
    fallback: 'off',
    describe: 'Serves a page at / on which a person can try everything.',
  }),
  INBOX_URL: optional(
    url({
      schemes: ['http:', 'https:'],
      form: 'http://localhost:3080',
      describe: 'Where the page at / sends people to read their mail.',
    }),
  ),
  ...apiFailPointSettings,
} as const;
