import {
  type CountryCode,
  parsePhoneNumberFromString,
  type PhoneNumber as Parsed,
} from 'libphonenumber-js/max';
import type { Destination } from './destination.ts';

/** ISO 3166-1 alpha-2, upper case. */
export type CountryIso2 = string;

/** A number that an SMS may be sent to. All its spellings have one address, one look-up form, one limit form. */
export interface PhoneNumber extends Destination {
  readonly channel: 'sms';
  readonly country: CountryIso2;
  /** `allowed`: not known as a mobile number, but of a block that the operator vouches for. */
  readonly numberType: 'mobile' | 'fixed_or_mobile' | 'allowed';
}

/**
 * Why a text is no number to send to. `unreadable`: not a number, or without its country. `invalid`: no
 * such number is assigned. `not_mobile`: premium, shared cost, fixed, toll-free, pager, VoIP and the like.
 */
export type PhoneProblem = 'unreadable' | 'invalid' | 'not_mobile';

/** Numbers that begin like this are taken whatever the metadata says: blocks newer than it. */
export interface AllowedPrefix {
  readonly country: CountryIso2;
  /** `+` and digits. */
  readonly prefix: string;
}

export interface PhoneRules {
  /** The country of numbers typed without one. Without it they are refused: a country is never guessed. */
  readonly defaultCountry?: CountryIso2;
  readonly allowedPrefixes?: readonly AllowedPrefix[];
}

/** ITU-T E.164, 6: at most 15 digits with the country code; the shortest in use have 7. */
const e164Pattern = /^\+[1-9]\d{6,14}$/;

/** A typed number with spaces, dots, dashes and brackets; nothing longer is one. */
const typedCharsMax = 40;

/** Marks without width that come along when a number is copied out of right-to-left text or a contact. */
const invisible = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/g;

/**
 * Reads one phone number in any usual spelling. `+45 20 12 34 56` and `004520123456` are one number; a number
 * without a country is read only with a default. Only numbers that can be mobile are accepted, because the
 * others cost without reaching anybody, or pay whoever asked for the message. Libraries that know number
 * plans are always a little behind, which is what `allowedPrefixes` is for.
 */
export const parsePhoneNumber = (
  raw: string,
  rules: PhoneRules = {},
): PhoneNumber | { readonly problem: PhoneProblem } => {
  if (raw.length > typedCharsMax) return { problem: 'unreadable' };
  // No national number begins with two zeros, while most of the world dials them for the plus.
  const typed = raw.replace(invisible, '').trim().replace(/^00/, '+');
  const parsed = parsePhoneNumberFromString(typed, {
    extract: false,
    ...(isCountry(rules.defaultCountry) && { defaultCountry: rules.defaultCountry }),
  });
  if (parsed === undefined || parsed.ext !== undefined || !e164Pattern.test(parsed.number))
    return { problem: 'unreadable' };
  const allowed = rules.allowedPrefixes?.find(({ prefix }) => parsed.number.startsWith(prefix));
  if (allowed !== undefined) return toNumber(parsed.number, allowed.country, 'allowed');
  // Numbers of no country (+979 premium, +881 satellite) are valid and belong to nobody's list.
  if (parsed.country === undefined || !parsed.isValid()) return { problem: 'invalid' };
  const numberType = mobileType(parsed);
  return numberType === null
    ? { problem: 'not_mobile' }
    : toNumber(parsed.number, parsed.country, numberType);
};

const isCountry = (country: CountryIso2 | undefined): country is CountryCode => country !== undefined;

/** North America and Denmark, among others, do not tell mobile numbers from fixed ones. */
const mobileType = (parsed: Parsed): PhoneNumber['numberType'] | null => {
  const type = parsed.getType();
  if (type === 'MOBILE') return 'mobile';
  return type === 'FIXED_LINE_OR_MOBILE' ? 'fixed_or_mobile' : null;
};

const toNumber = (
  address: string,
  country: CountryIso2,
  numberType: PhoneNumber['numberType'],
): PhoneNumber => ({
  channel: 'sms',
  address,
  lookupForm: address,
  limitForm: address,
  country,
  numberType,
});

/** Of a block that fraud buys as one: as many digits as are told apart by price and owner. */
const prefixDigits = 7;
/** At least a thousand numbers stay behind one prefix, so that it names nobody. */
const hiddenDigitsMin = 3;

/** The number block of an E.164 number, `+` and at most seven digits. */
export const numberBlock = (address: string): string =>
  address.slice(0, 1 + Math.min(prefixDigits, address.length - 1 - hiddenDigitsMin));
