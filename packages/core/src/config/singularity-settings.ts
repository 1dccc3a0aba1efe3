import { parseLimits } from '../limits.ts';
import { choice, custom, optional, url } from './setting.ts';

const limits = (fallback: string, describe: string) =>
  custom({ form: 'count/seconds, several with a comma, or off', fallback, describe }, parseLimits);

/** Settings of the Singularity contract; they matter while CONTRACTS lists singularity. */
export const singularitySettings = {
  SINGULARITY_RATE_LIMIT_ADDRESS: limits(
    '1/60',
    'Mails to one address asked for by this contract: the cooldown.',
  ),
  SINGULARITY_RATE_LIMIT_IP: limits('200/60', 'Requests for mails of one client address by this contract.'),
  SINGULARITY_ALREADY_VERIFIED: choice({
    values: ['304', '409'],
    fallback: '304',
    describe:
      'Answer for an address that is verified: 304 without a body, its code in X-Error-Code, as documented; or 409 with a body, which browsers do not take for a failure of the network.',
  }),
  SINGULARITY_REPEATED_VERIFY: choice({
    values: ['already_verified', 'success'],
    fallback: 'already_verified',
    describe:
      'Answer when a token that was used is shown again within its lifetime, or one of an address that was proved in another way meanwhile: as for a verified address, or the account once more, so that a double click is no failure.',
  }),
  SINGULARITY_VERIFICATION_URL: optional(
    url({
      schemes: ['https:', 'http:'],
      form: 'https://app.example.com/verify-email',
      describe:
        'Page of the application that takes `token` and posts it. Its origin must be in REDIRECT_ORIGINS. Without it links lead to our own page.',
    }),
  ),
  SINGULARITY_PASSWORD_RESET_URL: optional(
    url({
      schemes: ['https:', 'http:'],
      form: 'https://app.example.com/reset-password',
      describe: 'The same for links that reset a password.',
    }),
  ),
} as const;
