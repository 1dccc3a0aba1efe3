// Control characters become spaces; format characters (zero width, bidi) vanish, so that they can't
// hide an address from the patterns below.
const controls = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
const formats = /\p{Cf}+/gu;

const links = /\b[a-z][a-z0-9+.-]{1,20}:\/\/\S*|\bwww\.\S+|\bmailto:\S+/giu;
// Quoted local parts first: they may hold spaces. `%40` and `=40` are an @ in URL and quoted-printable.
const addresses = /"[^"@]{0,64}"@\S+|[^\s<>()[\]:;,"]+(?:@|%40|=40|＠)[^\s<>()[\]:;,"]+/giu;
// As many digits as a code has (core/code.ts). What hangs on letters or more digits is a queue id or a size.
const codes = /(?<![\p{L}\p{N}])\d{6}(?![\p{L}\p{N}])/gu;
const tokenRuns = /[A-Za-z0-9+/_=-]{16,}/g;

const maxInputChars = 4000;
const maxOutputChars = 200;

/**
 * A server's reply, fit for a log or a table: without addresses, links, control characters and
 * anything that could be a code (six digits) or a token (a run of 16 or more hex or base64 characters),
 * on one line, at most 200 characters. `known` are texts that must not appear either, such as the local part of
 * the recipient, which some servers repeat alone.
 */
export const scrubReply = (text: string, known: readonly string[] = []): string => {
  let scrubbed = text
    .slice(0, maxInputChars)
    .replace(formats, '')
    .replace(controls, ' ')
    .replace(links, '[link]')
    .replace(addresses, '[address]');
  // After whole addresses: a local part cut out of one would leave its domain behind.
  for (const secret of known) scrubbed = replaceAllIgnoringCase(scrubbed, secret, '[removed]');
  scrubbed = scrubbed
    .replace(codes, '[code]')
    .replace(tokenRuns, (run) => (isTokenLike(run) ? '[token]' : run))
    .replace(/ {2,}/g, ' ')
    .trim();
  return Array.from(scrubbed).slice(0, maxOutputChars).join('');
};

/** Long English words stay readable: a token has a digit or capitals in its middle. */
const isTokenLike = (run: string): boolean =>
  /\d/.test(run) || /[a-z][A-Z]/.test(run) || /^[a-fA-F]+$/.test(run);

// oxlint-disable-next-line no-control-regex -- ASCII begins with them
const isAscii = /^[\u0000-\u007f]*$/;

const replaceAllIgnoringCase = (text: string, search: string, replacement: string): string => {
  if (search.length === 0) return text;
  // Most replies repeat nothing. In ASCII lower case decides that; other letters have more than one fold.
  if (isAscii.test(text) && isAscii.test(search) && !text.toLowerCase().includes(search.toLowerCase()))
    return text;
  const pattern = new RegExp(search.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
  return text.replace(pattern, replacement);
};
