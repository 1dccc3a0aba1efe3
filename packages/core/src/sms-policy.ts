import { isSupportedCountry } from 'libphonenumber-js/max';
import { type AllowedPrefix, type CountryIso2, parsePhoneNumber, type PhoneNumber } from './phone.ts';

interface Problem {
  readonly problem: string;
}

/** Where SMS may go. An empty list is SMS switched off. */
export type SmsCountries =
  | { readonly kind: 'any' }
  | { readonly kind: 'only'; readonly countries: ReadonlySet<CountryIso2> };

export const isSmsOff = (countries: SmsCountries): boolean =>
  countries.kind === 'only' && countries.countries.size === 0;

export interface SmsRules {
  readonly countries: SmsCountries;
  readonly allowedPrefixes: readonly AllowedPrefix[];
}

/** Why a number gets no SMS. It depends on the number alone, never on whose it is. */
export type SmsRefusal = 'sms_number_not_allowed' | 'sms_country_not_allowed';

/** The number that an SMS may go to, or why none may. The same before a request is accepted and before it is sent. */
export const judgeSmsNumber = (
  raw: string,
  rules: SmsRules,
): { readonly number: PhoneNumber } | { readonly refusal: SmsRefusal } => {
  const number = parsePhoneNumber(raw, { allowedPrefixes: rules.allowedPrefixes });
  if ('problem' in number) return { refusal: 'sms_number_not_allowed' };
  const { countries } = rules;
  return countries.kind === 'any' || countries.countries.has(number.country)
    ? { number }
    : { refusal: 'sms_country_not_allowed' };
};

const partsOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Reads `DK,SE`, or `*` for all. */
export const parseSmsCountries = (text: string): SmsCountries | Problem => {
  const parts = partsOf(text);
  if (parts.includes('*'))
    return parts.length === 1 ? { kind: 'any' } : { problem: 'must be * alone, or a list of countries' };
  const wrong = parts.find((part) => !isSupportedCountry(part));
  return wrong === undefined
    ? { kind: 'only', countries: new Set(parts) }
    : { problem: `must list countries by ISO 3166 (DK,SE); ${wrong} is none` };
};

/** Reads `DK`. */
export const parseSmsCountry = (text: string): CountryIso2 | Problem =>
  isSupportedCountry(text) ? text : { problem: 'must be a country by ISO 3166, like DK' };

/** Reads `DK:+4591,GB:+447999`. */
export const parseAllowedPrefixes = (text: string): readonly AllowedPrefix[] | Problem => {
  const prefixes: AllowedPrefix[] = [];
  for (const part of partsOf(text)) {
    const match = /^([A-Z]{2}):(\+[1-9]\d{1,13})$/.exec(part);
    const country = match?.[1] ?? '';
    if (match === null || !isSupportedCountry(country))
      return { problem: `must look like DK:+4591 (country and start of the number); ${part} does not` };
    prefixes.push({ country, prefix: match[2] ?? '' });
  }
  return prefixes;
};

/** Money is counted in millionths of whatever currency the prices are in, so that sums are exact. */
export const microsPerUnit = 1_000_000;

/** Reads `0.05`, at most six places and nine digits before them. */
const readMoney = (text: string): number | undefined =>
  /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Math.round(Number(text) * microsPerUnit) : undefined;

/** What one segment of an SMS costs, in millionths. */
export interface SmsPrices {
  readonly byCountry: ReadonlyMap<CountryIso2, number>;
  readonly otherwise: number | undefined;
}

/** Reads `DK=0.05,default=0.10`. */
export const parseSmsPrices = (text: string): SmsPrices | Problem => {
  const byCountry = new Map<CountryIso2, number>();
  let otherwise: number | undefined;
  for (const part of partsOf(text)) {
    const [name = '', amount = ''] = part.split('=', 2).map((p) => p.trim());
    const price = readMoney(amount);
    if (price === undefined || price === 0)
      return { problem: `must look like DK=0.05,default=0.10 with prices above 0; ${part} does not` };
    if (name === 'default') otherwise = price;
    else if (isSupportedCountry(name)) byCountry.set(name, price);
    else return { problem: `must name countries by ISO 3166, or default; ${name} is none` };
  }
  return { byCountry, otherwise };
};

/** The price of a segment in a country; undefined where the table has none. */
export const priceOf = (prices: SmsPrices, country: CountryIso2): number | undefined =>
  prices.byCountry.get(country) ?? prices.otherwise;

/** Most that may be spent in any hour and in any day, in millionths. */
export interface SmsBudget {
  readonly hourMicros: number;
  readonly dayMicros: number;
}

/** Reads `10/50`: an hour's and a day's money. */
export const parseSmsBudget = (text: string): SmsBudget | Problem => {
  const [hourMicros, dayMicros] = text.split('/').map((part) => readMoney(part.trim()));
  return hourMicros !== undefined && dayMicros !== undefined && /^[^/]+\/[^/]+$/.test(text)
    ? { hourMicros, dayMicros }
    : { problem: 'must look like 10/50 (money in an hour/in a day)' };
};
