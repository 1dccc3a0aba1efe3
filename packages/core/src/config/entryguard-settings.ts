import { parseLimits } from '../limits.ts';
import { custom, optional, text, url } from './setting.ts';

const limits = (fallback: string, describe: string) =>
  custom({ form: 'count/seconds, several with a comma, or off', fallback, describe }, parseLimits);

/** Settings of the EntryGuard contract; they matter while CONTRACTS lists entryguard. */
export const entryguardSettings = {
  ENTRYGUARD_RATE_LIMIT_ADDRESS: limits(
    '3/900',
    'Invitations to one address, whether its user is made anew or the invitation is sent again. Mails for other purposes do not count.',
  ),
  ENTRYGUARD_RATE_LIMIT_INVITER: limits('100/3600', 'Invitations of one administrator or API key.'),
  ENTRYGUARD_RATE_LIMIT_ORGANIZATION: limits('300/3600', 'Invitations of one organization.'),
  ENTRYGUARD_USER_SEATS: custom(
    {
      form: '1 to 1000000, or off',
      fallback: 'off',
      describe: 'Most users of one organization. More are refused with 400.',
    },
    (value) => {
      if (value === 'off') return null;
      const seats = Number(value);
      return /^\d{1,7}$/.test(value) && seats >= 1 && seats <= 1_000_000
        ? seats
        : { problem: 'must be a whole number from 1 to 1000000, or off' };
    },
  ),
  ENTRYGUARD_SUBSCRIPTION_TIER: text({
    form: 'any text',
    fallback: 'ENTERPRISE',
    describe:
      'What the answer to set-password calls the plan of the organization (`subscriptionTier`). No rule reads it.',
  }),
  ENTRYGUARD_SET_PASSWORD_URL: optional(
    url({
      schemes: ['https:', 'http:'],
      form: 'https://app.example.com/set-password',
      describe:
        'Page of the application that takes `token` and a password and posts them. Its origin must be in REDIRECT_ORIGINS. Without it links lead to our own page.',
    }),
  ),
} as const;
