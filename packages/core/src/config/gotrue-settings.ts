import { parseLimits } from '../limits.ts';
import { choice, custom, optional, url } from './setting.ts';

const limits = (fallback: string, describe: string) =>
  custom({ form: 'count/seconds, several with a comma, or off', fallback, describe }, parseLimits);

/** Settings of the GoTrue-shaped contract; they matter while CONTRACTS lists gotrue. */
export const gotrueSettings = {
  GOTRUE_SITE_URL: optional(
    url({
      schemes: ['https:', 'http:'],
      form: 'https://app.example.com',
      describe:
        'Where people go after a link of this contract when the request named no redirect, or one that REDIRECT_ORIGINS does not allow. Required with CONTRACTS=gotrue.',
    }),
  ),
  GOTRUE_RATE_LIMIT_EMAIL: limits('3/300', 'Mails to one address asked for by this contract, for each kind.'),
  GOTRUE_RATE_LIMIT_PHONE: limits('2/300', 'Messages to one phone number asked for by this contract.'),
  GOTRUE_RATE_LIMIT_IP: limits('10/600', 'Requests for messages of one client address by this contract.'),
  GOTRUE_SIGNUP: choice({
    values: ['open', 'closed'],
    fallback: 'open',
    describe: 'closed: nobody can register by this contract (422 signup_disabled); invitations still work.',
  }),
  GOTRUE_PHONE: choice({
    values: ['off', 'on'],
    fallback: 'off',
    describe:
      'Whether phone numbers can register, sign in and be changed to by this contract. SMS_COUNTRIES says which.',
  }),
  GOTRUE_MESSAGE_ID: choice({
    values: ['always', 'phone-only'],
    fallback: 'always',
    describe:
      'Whether answers carry `message_id`, an opaque handle that is given for unknown addresses as well, or for messages to phones only.',
  }),
  GOTRUE_OTP_UNKNOWN_USER: choice({
    values: ['silent', 'error'],
    fallback: 'silent',
    describe:
      'Answer of POST /otp with create_user false for somebody unknown: the same 200 as for everybody, or 422 otp_disabled, which tells strangers who has an account.',
  }),
} as const;
