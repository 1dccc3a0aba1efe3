import { type EmailAddress, type EmailIdentity, parseEmailAddress } from '@reconfirm/core/account';
import type { Destination } from '@reconfirm/core/destination';
import { canonicalLocale } from '@reconfirm/core/locale';
import { parsePhoneNumber, type PhoneNumber, type PhoneRules } from '@reconfirm/core/phone';
import type { Purpose } from '@reconfirm/core/purposes/purpose';
import { judgeRedirect, type RedirectRule } from '@reconfirm/core/redirect';
import { ProblemError } from '../../problem.ts';
import { smsProblem } from '../../sms-problem.ts';

export interface RequestRules {
  readonly identity: EmailIdentity;
  readonly phones: PhoneRules;
  readonly redirects: RedirectRule;
  readonly redirectOnMiss: '400' | 'fallback';
  readonly production: boolean;
}

const invalid = (field: string, message: string, code: string): ProblemError =>
  new ProblemError('VALIDATION_FAILED', { errors: [{ field, message, code }] });

/** The address, or a 400 that names the field. */
export const readEmail = (text: string, rules: Pick<RequestRules, 'identity'>): EmailAddress => {
  const email = parseEmailAddress(text, rules.identity);
  if (email === undefined) throw invalid('email', 'must be one e-mail address', 'email');
  return email;
};

/**
 * What an operator looks for: a number with its country, or an address. A number that nothing may be sent to is
 * looked for all the same: why it got nothing is the question.
 */
export const readAddress = (
  text: string,
  rules: Pick<RequestRules, 'identity'>,
): Destination | { readonly lookupForm: string; readonly limitForm?: never } => {
  // An unescaped plus of a query arrives as a space.
  const typed = text.replace(/^ (?=\d)/, '+');
  if (!/^\s*(?:\+|00)[\d\s().-]+$/.test(typed)) return readEmail(text, rules);
  const number = parsePhoneNumber(typed);
  return 'problem' in number ? { lookupForm: typed.replaceAll(/[^\d+]/g, '').replace(/^00/, '+') } : number;
};

/** The number, or a 400: that it is none, or that nothing is sent to numbers like it, whoever has them. */
export const readPhone = (text: string, rules: Pick<RequestRules, 'phones'>): PhoneNumber => {
  const number = parsePhoneNumber(text, rules.phones);
  if (!('problem' in number)) return number;
  throw number.problem === 'unreadable'
    ? invalid('phone', 'must be one phone number with its country, like +4520123456', 'phone')
    : smsProblem('sms_number_not_allowed');
};

/** Where a message of a purpose goes, or a 400 that names the field. */
export const readDestination = (
  { email, phone }: { readonly email?: string; readonly phone?: string },
  { channel }: Pick<Purpose, 'channel'>,
  rules: Pick<RequestRules, 'identity' | 'phones'>,
): Destination => {
  const [wanted, unwanted] =
    channel === 'sms' ? (['phone', 'email'] as const) : (['email', 'phone'] as const);
  const given = { email, phone };
  if (given[unwanted] !== undefined) throw invalid(unwanted, 'has no place with this purpose', 'purpose');
  const text = given[wanted];
  if (text === undefined) throw invalid(wanted, 'is required', 'required');
  return channel === 'sms' ? readPhone(text, rules) : readEmail(text, rules);
};

/** The canonical tag, null when none was given, or a 400 that names the field. */
export const readLocale = (tag: string | undefined, field = 'locale'): string | null => {
  if (tag === undefined) return null;
  const canonical = canonicalLocale(tag);
  if (canonical === undefined)
    throw invalid(field, 'must be a BCP 47 language tag like es or pt-BR', 'locale');
  return canonical;
};

/** The redirect URL as it will be stored; null when none was given, or quietly dropped by setting; else a 400. */
export const readRedirect = (
  url: string | undefined,
  rules: RequestRules,
  field = 'verificationRedirectUrl',
): string | null => {
  if (url === undefined) return null;
  const decision = judgeRedirect(url, rules.redirects, rules.production);
  if (decision.allowed) return decision.url;
  if (decision.reason === 'not_a_url') throw invalid(field, 'must be an absolute URL', 'url');
  if (rules.redirectOnMiss === 'fallback') return null;
  throw new ProblemError('REDIRECT_NOT_ALLOWED', {
    errors: [{ field, message: redirectMessages[decision.reason], code: decision.reason }],
  });
};

const redirectMessages = {
  scheme: 'must be https',
  credentials: 'must not hold a user name or password',
  fragment: 'must not hold a fragment',
  origin: 'has an origin that is not on the list of allowed ones',
} as const;
