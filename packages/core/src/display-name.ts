const maxChars = 40;
const maxDigits = 4;

// Signs of a link or an address. A name that has one is not a name, and what would be left of it
// after cleaning ("Click evil com now") is still the sender's advertisement.
const linkSigns = /:\/|\/\/|@|＠|\bwww\b|\bhttps?\b|\bmailto\b/iu;
// A label followed by a dot and two or more letters: `evil.com`, `t.me`, `пример.рф`.
const dottedName = /[\p{L}\p{N}]\.[\p{L}\p{N}-]{2,}/u;

// What names are written with. Everything else, bidi and control characters included, goes.
const notOfNames = /[^\p{L}\p{M}\p{Nd}'’·. -]+/gu;

/**
 * The caller's name for a person, as it may stand in mail to an address that nobody has verified
 * yet: at most 40 characters, and nothing in it that a mail program could turn into a link, an
 * address or a telephone number. `undefined` where no name is left, or where the text tries to be
 * a link; the mail then greets without a name.
 */
export const displayName = (raw: string | undefined): string | undefined => {
  if (raw === undefined) return undefined;
  // NFKC first: it turns full-width and other look-alike dots, slashes and at signs into plain ones.
  // Format characters go before the patterns look, so that they can't split "w\u200bww".
  const plain = raw
    .slice(0, 500)
    .normalize('NFKC')
    .replace(/\p{Cf}+/gu, '')
    .replace(/[。｡]/gu, '.');
  if (linkSigns.test(plain) || dottedName.test(plain)) return undefined;
  const cleaned = plain
    .replace(notOfNames, ' ')
    // A dot may end an initial ("J. R."); before anything but a space it is a domain's.
    .replace(/\.(?! |$)/g, '. ')
    .replace(/\s+/g, ' ')
    .trim();
  const withoutNumbers = countDigits(cleaned) > maxDigits ? cleaned.replace(/\p{Nd}+/gu, '') : cleaned;
  const name = Array.from(withoutNumbers)
    .slice(0, maxChars)
    .join('')
    .replace(/^[^\p{L}]+|[\s·-]+$/gu, '')
    .replace(/\s+/g, ' ');
  return /\p{L}/u.test(name) ? name : undefined;
};

const countDigits = (text: string): number => text.match(/\p{Nd}/gu)?.length ?? 0;
