import { codeEntryPage } from '../../src/pages/code-entry-page.ts';
import {
  confirmationPage,
  type ConfirmationPageInput,
  confirmedPage,
  firstWindowPage,
  problemPage,
  resentPage,
} from '../../src/pages/confirmation-page.ts';
import { disownedPage, notMePage } from '../../src/pages/not-me-page.ts';
import { livePurposes, passwordPurposes } from '../../src/pages/page-strings.ts';
import { passwordPage, passwordSetPage } from '../../src/pages/password-page.ts';
import { confirmationStates, pageProblems } from '../../src/pages/strings.ts';

export const nonce = 'bm9uY2Utb2YtdGhlLXRlc3Q=';
export const token = 'c0ffee'.repeat(10);
export const frame = { brand: 'Acme', locale: 'en', nonce };
export const live: ConfirmationPageInput = { ...frame, token, state: 'live', email: 'ana@example.com' };

type Overrides = Partial<Pick<ConfirmationPageInput, 'brand' | 'locale' | 'token' | 'email'>>;

/** Pages with a form, by name, with the paths that their forms go to. */
export const formPages: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(livePurposes.map((purpose) => [`live ${purpose}`, ['/v1/verify-email']])),
  'expired with resend': ['/resend'],
  'superseded with resend': ['/resend'],
  'locked with resend': ['/resend'],
  code: ['/code'],
  'code wrong': ['/code', '/resend'],
  'code malformed': ['/code'],
  'code by sms': ['/code'],
  'not me': ['/not-me'],
  ...Object.fromEntries(passwordPurposes.map((purpose) => [`password ${purpose}`, ['/password']])),
  'password too short': ['/password'],
  'password too common': ['/password'],
};

/** Every page that a person can meet, in one language. */
export const personPages = (overrides: Overrides = {}): ReadonlyMap<string, string> => {
  const input = { ...live, ...overrides };
  const { brand, locale, email } = input;
  const plain = { brand, locale, nonce };
  const code = { ...plain, action: '/code', hidden: { token: input.token } };
  const password = { ...plain, action: '/password', token: input.token, email, minChars: 12 };
  const resendAction = '/resend';
  return new Map([
    ...livePurposes.map((purpose) => [`live ${purpose}`, confirmationPage({ ...input, purpose })] as const),
    ...confirmationStates
      .filter((state) => state !== 'live')
      .map((state) => [state, confirmationPage({ ...input, state })] as const),
    ...confirmationStates
      .filter((state) => state !== 'live')
      .map((state) => [`${state} with resend`, confirmationPage({ ...input, state, resendAction })] as const),
    ...pageProblems.map((problem) => [`problem ${problem}`, problemPage({ ...plain, problem })] as const),
    ['confirmed', confirmedPage({ ...plain, outcome: 'confirmed' })],
    ['already_confirmed', confirmedPage({ ...plain, outcome: 'already_confirmed' })],
    ['first window', firstWindowPage(plain)],
    ['resent', resentPage(plain)],
    ['code', codeEntryPage({ ...code, destination: email })],
    ['code wrong', codeEntryPage({ ...code, problem: 'wrong', triesLeft: 3, resendAction })],
    ['code malformed', codeEntryPage({ ...code, problem: 'malformed' })],
    ['code by sms', codeEntryPage({ ...code, channel: 'sms' })],
    ['not me', notMePage({ ...plain, action: '/not-me', token: input.token })],
    ['disowned', disownedPage(plain)],
    ...passwordPurposes.map(
      (purpose) => [`password ${purpose}`, passwordPage({ ...password, purpose })] as const,
    ),
    ['password too short', passwordPage({ ...password, purpose: 'recovery', problem: 'too_short' })],
    ['password too common', passwordPage({ ...password, purpose: 'recovery', problem: 'too_common' })],
    ['password set', passwordSetPage(plain)],
  ]);
};

/** The text that a person reads, without markup, style and script. */
export const readable = (source: string): string =>
  source
    .replace(/<(style|script)\b.*?<\/\1>/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
