import { match } from '@formatjs/intl-localematcher';
import { canonicalLocale } from '@reconfirm/core/locale';
import Negotiator from 'negotiator';

export const pageLocales = ['en', 'es'] as const;
export type PageLocale = (typeof pageLocales)[number];

/** The language that a browser asks for, among those we have (RFC 9110, 12.5.4); `fallback` when none fits. */
export const negotiateLocale = (acceptLanguage: string | undefined, fallback: PageLocale): PageLocale => {
  if (acceptLanguage === undefined) return fallback;
  const wanted = new Negotiator({ headers: { 'accept-language': acceptLanguage } })
    .languages()
    .map((tag) => canonicalLocale(tag))
    .filter((tag) => tag !== undefined);
  const found = match(wanted, pageLocales, fallback);
  return pageLocales.find((locale) => locale === found) ?? fallback;
};
