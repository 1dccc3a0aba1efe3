import { parseForeignIssuers } from '../foreign-issuer.ts';
import { parseLimits } from '../limits.ts';
import { parseCharacterClasses, passwordSizeMax, passwordSizeMin } from '../password.ts';
import { parseSessionKeys } from '../session-keys.ts';
import { custom, customSecret, integer, optional, text } from './setting.ts';

/** Settings of sessions and passwords; they belong to apps/api. */
export const sessionSettings = {
  SESSION_KEYS: optional(
    customSecret(
      {
        form: 'kid:<base64 of PKCS 8>,kid:…',
        describe:
          'Keys that sign access tokens (Ed25519 or EC P-256). The last one signs, all verify and are published at /.well-known/jwks.json. Without it there are no sessions. See docs/sessions.md for making and rotating one.',
      },
      parseSessionKeys,
    ),
  ),
  ACCESS_TOKEN_TTL_SECONDS: integer({
    min: 60,
    max: 86_400,
    fallback: '900',
    describe:
      'Lifetime of an access token. Services that verify it by themselves accept it for that long after a sign-out.',
  }),
  ACCESS_TOKEN_AUDIENCE: optional(
    text({ form: 'any text', describe: 'Whom access tokens are for: their `aud`. Without it PUBLIC_URL.' }),
  ),
  REFRESH_TOKEN_TTL_DAYS: integer({
    min: 1,
    max: 90,
    fallback: '30',
    describe: 'How long a session lasts that is not refreshed. Each refresh begins it anew.',
  }),
  FOREIGN_ISSUERS: custom(
    {
      form: 'https://issuer|https://issuer/jwks.json|audience|ES256 RS256|organization id, several with commas',
      fallback: '',
      describe:
        'Others whose access tokens count: `iss`, where their keys are, `aud`, the algorithms allowed, and whose accounts they speak for (may be left out: the default organization). The account is found by `sub` when that is its id here, else by `email`.',
    },
    parseForeignIssuers,
  ),
  FOREIGN_TOKEN_TTL_SECONDS_MAX: integer({
    min: 60,
    max: 86_400,
    fallback: '3600',
    describe: 'Longest lifetime (`exp` minus `iat`) of a foreign issuer’s token. Longer ones are refused.',
  }),
  RATE_LIMIT_SIGN_IN: custom(
    {
      form: 'count/seconds, several with a comma, or off',
      fallback: '10/300',
      describe:
        'Sign-ins by password, right or wrong, for one address; and for one client address those that failed.',
    },
    parseLimits,
  ),
  PASSWORD_LENGTH_MIN: integer({
    min: passwordSizeMin,
    max: 64,
    fallback: String(passwordSizeMin),
    describe: `Fewest characters of a new password; the most are ${passwordSizeMax}.`,
  }),
  PASSWORD_CLASSES: custom(
    {
      form: 'some of upper,lower,digit,special',
      fallback: '',
      describe: 'What a new password must contain, each at least once. A contract may ask for more.',
    },
    parseCharacterClasses,
  ),
} as const;
