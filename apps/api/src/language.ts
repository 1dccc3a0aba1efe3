import { chooseLocaleAmong, type SupportedLocale, supportedLocales } from '@reconfirm/core/locale';
import Negotiator from 'negotiator';

export type PageLocale = SupportedLocale;

/** The language that a browser asks for, among those we have (RFC 9110, 12.5.4); `fallback` when none fits. */
export const negotiateLocale = (acceptLanguage: string | undefined, fallback: PageLocale): PageLocale => {
  if (acceptLanguage === undefined) return fallback;
  const wishes = new Negotiator({ headers: { 'accept-language': acceptLanguage } }).languages();
  return chooseLocaleAmong(wishes, supportedLocales, fallback);
};
