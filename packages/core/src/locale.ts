/** Every language that mails, SMS and pages have. Settings, renderer and pages take the list from here. */
export const supportedLocales = [
  'en',
  'es',
  'de',
  'fr',
  'it',
  'pt-BR',
  'pl',
  'tr',
  'ru',
  'ar',
  'he',
  'hi',
  'ja',
  'zh-Hans',
] as const;

export type SupportedLocale = (typeof supportedLocales)[number];

// Scripts that are written from right to left, by ISO 15924 code (CLDR scriptMetadata).
const rightToLeftScripts = new Set([
  'Adlm',
  'Arab',
  'Hebr',
  'Mand',
  'Mend',
  'Nkoo',
  'Rohg',
  'Samr',
  'Syrc',
  'Thaa',
  'Yezi',
]);

// BCP 47 has no upper bound; RFC 5646, 4.4.1 asks for room for 35 characters.
const maxTagChars = 35;

/**
 * The tag in canonical BCP 47 form (`pt-br`, `pt_BR` → `pt-BR`), or `undefined` where the text is
 * no language tag.
 */
export const canonicalLocale = (tag: string): string | undefined => {
  if (tag.length > maxTagChars) return undefined;
  try {
    return Intl.getCanonicalLocales(tag.trim().replaceAll('_', '-'))[0];
  } catch {
    // getCanonicalLocales throws a RangeError for anything that is not a well-formed tag.
    return undefined;
  }
};

/**
 * The supported locale that serves a reader best: the requested one, else the stored one, else
 * `fallback`. See `chooseLocaleAmong`.
 */
export const chooseLocale = (
  requested: string | undefined,
  stored: string | undefined,
  supported: readonly string[],
  fallback: string,
): string =>
  chooseLocaleAmong(
    [requested, stored].filter((wish) => wish !== undefined),
    supported,
    fallback,
  );

/**
 * The first wish that can be fulfilled, each looked up from narrow to wide (RFC 4647, 3.4: `pt-BR` before
 * `pt`) and then by another region of the same language and script, so that `pt-PT` finds `pt-BR`. Malformed tags
 * and `*` count as absent.
 *
 * Another script is another matter: a reader of `zh-TW` gets `zh-Hans` only when no wish at all can be
 * fulfilled, and then rather than `fallback`.
 */
export const chooseLocaleAmong = <L extends string>(
  wishes: readonly string[],
  supported: readonly L[],
  fallback: L,
): L => {
  // What the service itself has chosen and stored before needs no parsing.
  const known = supported.find((one) => one === wishes[0]);
  if (known !== undefined) return known;
  const tags = wishes
    .slice(0, maxWishes)
    .map(canonicalLocale)
    .filter((tag) => tag !== undefined);
  for (const tag of tags) {
    const match = lookUp(tag, supported) ?? writtenLike(tag, supported);
    if (match !== undefined) return match;
  }
  return firstOf(tags, (tag) => supported.find((one) => languageOf(one) === languageOf(tag))) ?? fallback;
};

/** A browser sends a handful; a header of 16 KiB holds thousands. */
const maxWishes = 20;

/** Says whether text in this locale runs from right to left. */
export const isRightToLeft = (locale: string): boolean => {
  const canonical = canonicalLocale(locale);
  if (canonical === undefined) return false;
  return rightToLeftScripts.has(new Intl.Locale(canonical).maximize().script ?? '');
};

const lookUp = <L extends string>(tag: string, supported: readonly L[]): L | undefined => {
  const exact = supported.find((one) => one === tag);
  if (exact !== undefined) return exact;
  const { language, script, region } = new Intl.Locale(tag).maximize();
  const candidates = [
    [language, script, region].join('-'),
    [language, region].join('-'),
    [language, script].join('-'),
    // `zh` alone is `zh-Hans`, so it does not stand for what is written in another script.
    ...(writtenForm(language) === `${language}-${script}` ? [language] : []),
  ];
  return firstOf(candidates, (candidate) => supported.find((one) => one === candidate));
};

const writtenLike = <L extends string>(tag: string, supported: readonly L[]): L | undefined => {
  const form = writtenForm(tag);
  // Only what has the same language needs the dear question after its script.
  return supported.find((one) => languageOf(one) === languageOf(tag) && writtenForm(one) === form);
};

const firstOf = <A, B>(values: readonly A[], find: (value: A) => B | undefined): B | undefined => {
  for (const value of values) {
    const found = find(value);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Canonical tags begin with their language. */
const languageOf = (tag: string): string => tag.split('-', 1)[0] ?? tag;

/** Language and script: `zh-TW` → `zh-Hant`. */
const writtenForm = (tag: string): string => {
  const { language, script } = new Intl.Locale(tag).maximize();
  return `${language}-${script}`;
};
