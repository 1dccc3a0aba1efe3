// Signs of a link or an address. A name that has one is not a name, and what would be left of it
// after cleaning ("Click evil com now") is still the sender's advertisement.
const linkSigns = /:\/|\/\/|@|＠|\bwww\b|\bhttps?\b|\bmailto\b/iu;
// A label followed by a dot and two or more letters: `evil.com`, `t.me`, `пример.рф`.
const dottedName = /[\p{L}\p{N}]\.[\p{L}\p{M}\p{N}-]{2,}/u;

interface NameRule {
  readonly maxChars: number;
  readonly maxDigits: number;
  /** Everything else, bidi and control characters included, goes. */
  readonly strange: RegExp;
  /** What a name can't begin with. */
  readonly leading: RegExp;
  readonly trailing: RegExp;
}

const ofPersons: NameRule = {
  maxChars: 40,
  maxDigits: 4,
  strange: /[^\p{L}\p{M}\p{Nd}'’·. -]+/gu,
  leading: /^[^\p{L}]+/gu,
  trailing: /[\s·-]+$/gu,
};

// "3M", "1&1", "Grupo Año (España)": figures and signs belong to such names.
const ofOrganizations: NameRule = {
  maxChars: 60,
  maxDigits: 4,
  strange: /[^\p{L}\p{M}\p{Nd}'’·.,&+()! -]+/gu,
  leading: /^[^\p{L}\p{Nd}]+/gu,
  trailing: /[\s·,&+(-]+$/gu,
};

/**
 * The caller's name for a person, as it may stand in mail to an address that nobody has verified
 * yet: at most 40 characters, and nothing in it that a mail program could turn into a link, an
 * address or a telephone number. `undefined` where no name is left, or where the text tries to be
 * a link; the mail then greets without a name.
 */
export const displayName = (raw: string | undefined): string | undefined => clean(raw, ofPersons);

/**
 * The same for the name of an organization: at most 60 characters, and figures, `&`, `+`, commas and
 * brackets stay. `undefined` where the text tries to be a link ("Acme.com"); the mail then names the brand.
 */
export const organizationDisplayName = (raw: string | undefined): string | undefined =>
  clean(raw, ofOrganizations);

const clean = (raw: string | undefined, rule: NameRule): string | undefined => {
  if (raw === undefined) return undefined;
  // NFKC first: it turns full-width and other look-alike dots, slashes and at signs into plain ones.
  // Format characters go before the patterns look, so that they can't split "w\u200bww".
  const plain = raw
    .slice(0, 500)
    .normalize('NFKC')
    .replace(/\p{Cf}+/gu, '')
    .replace(/[。｡]/gu, '.');
  if (looksLikeLink(plain)) return undefined;
  const cleaned = plain
    .replace(rule.strange, ' ')
    // A dot may end an initial ("J. R."); before anything but a space it is a domain's.
    .replace(/\.(?! |$)/g, '. ')
    .replace(/\s+/g, ' ')
    .trim();
  const withoutNumbers = countDigits(cleaned) > rule.maxDigits ? cleaned.replace(/\p{Nd}+/gu, '') : cleaned;
  const name = Array.from(withoutNumbers)
    .slice(0, rule.maxChars)
    .join('')
    .replace(rule.leading, '')
    .replace(rule.trailing, '')
    .replace(/\s+/g, ' ');
  // Cleaning may have made one: "1www." begins with a figure, which goes.
  return /\p{L}/u.test(name) && !looksLikeLink(name) ? name : undefined;
};

const looksLikeLink = (text: string): boolean => linkSigns.test(text) || dottedName.test(text);

const countDigits = (text: string): number => text.match(/\p{Nd}/gu)?.length ?? 0;
