import { parseEmailAddress, type EmailAddress } from '@reconfirm/core/account';
import { type CodeChallengeProblem, readCodeChallenge } from '@reconfirm/core/code-challenge';
import type { Destination } from '@reconfirm/core/destination';
import { judgeRedirect, type RedirectRule } from '@reconfirm/core/redirect';
import type { FastifyRequest } from 'fastify';
import { clientAddressOf } from '../../client-address.ts';
import { bindBrowser } from '../../browser-binding.ts';
import type { GotrueDependencies, GotrueRules } from './dependencies.ts';
import { GotrueError, invalid } from './errors.ts';

export type Maybe<T> = T | null | undefined;

/** Nothing, null and the empty text are the same. */
export const textOf = (value: Maybe<string>): string => value ?? '';

export const emailOff = (): GotrueError =>
  new GotrueError(400, 'email_provider_disabled', 'Email logins are disabled');
export const phoneOff = (): GotrueError =>
  new GotrueError(400, 'phone_provider_disabled', 'Phone logins are disabled');
export const signUpsClosed = (): GotrueError =>
  new GotrueError(422, 'signup_disabled', 'Signups not allowed for this instance');

/** The address, or a refusal that does not repeat it. */
export const readEmail = (text: string, rules: GotrueRules): EmailAddress => {
  if (!rules.emailOn) throw emailOff();
  const email = parseEmailAddress(text, rules.identity);
  if (email === undefined) throw invalid('Unable to validate email address: invalid format');
  return email;
};

export const readPhone = (text: string, rules: GotrueRules): Destination => {
  if (!rules.phoneOn) throw phoneOff();
  const phone = rules.readPhone(text);
  if (phone === undefined) throw invalid('Invalid phone number format (E.164 required)');
  return phone;
};

interface Addressed {
  readonly email?: Maybe<string>;
  readonly phone?: Maybe<string>;
}

/** Where a message goes: an address or a number, not both. */
export const readDestination = (
  body: Addressed,
  rules: GotrueRules,
  sentences: { readonly both: string; readonly none: string },
): Destination => {
  const [email, phone] = [textOf(body.email), textOf(body.phone)];
  if (email !== '' && phone !== '') throw invalid(sentences.both);
  if (email !== '') return readEmail(email, rules);
  if (phone !== '') return readPhone(phone, rules);
  throw invalid(sentences.none);
};

const challengeSentences = {
  incomplete: 'PKCE flow requires code_challenge_method and code_challenge to both be present or absent',
  size: 'code challenge has to be between 43 and 128 characters',
  characters:
    'code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes',
  method: 'unsupported code_challenge_method: use s256 or plain',
} as const satisfies Record<CodeChallengeProblem, string>;

interface ChallengedBody {
  readonly code_challenge?: Maybe<string>;
  readonly code_challenge_method?: Maybe<string>;
  readonly redirect_to?: Maybe<string>;
  readonly gotrue_meta_security?: Maybe<{ readonly captcha_token?: Maybe<string> }>;
}

/** What a request is remembered by until its link is used. */
export interface Remembered {
  readonly redirectUrl: string | null;
  readonly locale: string | null;
  readonly clientAddress: string;
  /** What the captcha's widget gave. */
  readonly captchaAnswer: string | undefined;
  /** In the row of the message: hashes and a challenge, no secret. */
  readonly context: Readonly<Record<string, string>>;
  /** Makes the browser the one that asked. */
  readonly setCookie: string;
}

export interface RedirectRules {
  readonly redirects: RedirectRule;
  readonly production: boolean;
}

/** Challenge, redirect, language and browser of a request for a message. */
export const readRemembered = (
  request: FastifyRequest,
  body: ChallengedBody,
  { rules, redirectsOf, negotiate }: Pick<GotrueDependencies, 'rules' | 'redirectsOf' | 'negotiate'>,
  organizationId: string,
): Remembered => {
  const challenge = readCodeChallenge(body.code_challenge, body.code_challenge_method);
  if (challenge !== null && 'problem' in challenge) throw invalid(challengeSentences[challenge.problem]);
  const browser = bindBrowser(request.headers.cookie, rules.production);
  const language = request.headers['accept-language'];
  return {
    redirectUrl: readRedirect(request, body.redirect_to, {
      redirects: redirectsOf(organizationId),
      production: rules.production,
    }),
    locale: language === undefined ? null : negotiate(language),
    clientAddress: clientAddressOf(request),
    captchaAnswer: body.gotrue_meta_security?.captcha_token ?? undefined,
    context: { browser: browser.hash, ...(challenge === null ? {} : { challenge: challenge.s256 }) },
    setCookie: browser.setCookie,
  };
};

/**
 * The first that may be gone to of: the header `redirect_to`, the query, the body, and the page that the
 * request came from. Null: the site's own URL. That another one was wished for is not told.
 */
const readRedirect = (
  request: FastifyRequest,
  fromBody: Maybe<string>,
  rules: RedirectRules,
): string | null => {
  const query = request.query as Readonly<Record<string, unknown>>;
  const wished = [request.headers['redirect_to'], query['redirect_to'], fromBody].find(
    (text) => typeof text === 'string' && text !== '',
  );
  return allowedRedirect(wished, rules) ?? allowedRedirect(request.headers.referer, rules);
};

export const allowedRedirect = (text: unknown, { redirects, production }: RedirectRules): string | null => {
  if (typeof text !== 'string' || text === '') return null;
  const decision = judgeRedirect(text, redirects, production);
  return decision.allowed ? decision.url : null;
};

/** What the caller wants kept with an account. Postgres holds no NUL. */
export const readMetadata = (data: Maybe<Readonly<Record<string, unknown>>>): Record<string, unknown> => {
  const metadata = { ...data };
  if (JSON.stringify(metadata).includes(String.raw`\u0000`))
    throw new GotrueError(400, 'bad_json', 'Could not parse request body as JSON: data holds a NUL');
  return metadata;
};
