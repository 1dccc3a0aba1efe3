import { IntlMessageFormat } from 'intl-messageformat';
import { isolatedName } from '@reconfirm/core/isolated-name';
import { chooseLocale, isRightToLeft, type SupportedLocale, supportedLocales } from '@reconfirm/core/locale';
import { ar } from './locales/ar.ts';
import { de } from './locales/de.ts';
import { en } from './locales/en.ts';
import { es } from './locales/es.ts';
import { fr } from './locales/fr.ts';
import { he } from './locales/he.ts';
import { hi } from './locales/hi.ts';
import { it } from './locales/it.ts';
import { ja } from './locales/ja.ts';
import { pl } from './locales/pl.ts';
import { ptBR } from './locales/pt-br.ts';
import { ru } from './locales/ru.ts';
import { tr } from './locales/tr.ts';
import { zhHans } from './locales/zh-hans.ts';
import type { PageStrings } from './page-strings.ts';

export { confirmationStates, pageProblems } from './page-strings.ts';

/**
 * The pages for people in every supported language. A language that lacks a string does not compile,
 * nor does a supported locale that lacks a language.
 */
export const pageStrings = {
  en,
  es,
  de,
  fr,
  it,
  'pt-BR': ptBR,
  pl,
  tr,
  ru,
  ar,
  he,
  hi,
  ja,
  'zh-Hans': zhHans,
} as const satisfies Readonly<Record<SupportedLocale, PageStrings>>;

export type PageLocale = keyof typeof pageStrings;

export interface PageLanguage {
  readonly lang: PageLocale;
  readonly dir: 'ltr' | 'rtl';
  readonly strings: PageStrings;
}

const isPageLocale = (locale: string): locale is PageLocale => Object.hasOwn(pageStrings, locale);

/** The language of the pages that serves this BCP 47 tag best; English where there is none. */
export const pageLanguage = (locale: string): PageLanguage => {
  const chosen = chooseLocale(locale, undefined, supportedLocales, 'en');
  const lang = isPageLocale(chosen) ? chosen : 'en';
  return { lang, dir: isRightToLeft(lang) ? 'rtl' : 'ltr', strings: pageStrings[lang] };
};

/** Fills in one ICU string. The brand is isolated where it runs against the sentence; values are never parsed. */
export const formatString = (language: PageLanguage, string: string, values: FormatValues): string => {
  const { brand, count, min } = values;
  const named = isolatedName(brand, language.dir === 'rtl');
  return String(formatOf(language.lang, string).format({ brand: named, count, min }));
};

interface FormatValues {
  readonly brand: string;
  readonly count?: number;
  readonly min?: number;
}

/** Each string is parsed once, when a page first needs it. */
const formatOf = (lang: PageLocale, string: string): IntlMessageFormat => {
  const key = `${lang} ${string}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  // ignoreTag: a `<` in a translation is text. Markup belongs to the page.
  const made = new IntlMessageFormat(string, lang, undefined, { ignoreTag: true });
  formats.set(key, made);
  return made;
};

const formats = new Map<string, IntlMessageFormat>();
