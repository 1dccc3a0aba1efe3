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
 * `fallback`. Each is looked up from narrow to wide (RFC 4647, 3.4: `pt-BR` before `pt`), by way
 * of the script it is written in, so that `zh-TW` finds `zh-Hant` before `zh`. Unknown and
 * malformed tags count as absent.
 */
export const chooseLocale = (
  requested: string | undefined,
  stored: string | undefined,
  supported: readonly string[],
  fallback: string,
): string => {
  for (const wish of [requested, stored]) {
    const canonical = wish === undefined ? undefined : canonicalLocale(wish);
    if (canonical === undefined) continue;
    const match = candidatesFor(canonical).find((candidate) => supported.includes(candidate));
    if (match !== undefined) return match;
  }
  return fallback;
};

/** Says whether text in this locale runs from right to left. */
export const isRightToLeft = (locale: string): boolean => {
  const canonical = canonicalLocale(locale);
  if (canonical === undefined) return false;
  return rightToLeftScripts.has(new Intl.Locale(canonical).maximize().script ?? '');
};

const candidatesFor = (canonical: string): readonly string[] => {
  const { language, script, region } = new Intl.Locale(canonical).maximize();
  return [
    canonical,
    [language, script, region].join('-'),
    [language, region].join('-'),
    [language, script].join('-'),
    language,
  ];
};
