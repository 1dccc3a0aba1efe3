import { encode, wrap } from 'nodemailer/lib/qp';

/** A thousand templates' worth of lines; with none longer than some hundred characters a few megabytes. */
const knownLinesMax = 8192;
const seenLinesMax = 2048;

/** Lines that came more than once, encoded: nearly all of a mail, for its templates are few. */
const known = new Map<string, string>();
/** Lines that came once. Those with a name or a link in them stay here until it is emptied. */
const seen = new Set<string>();

/**
 * A text in quoted-printable (RFC 2045, 6.7), by nodemailer's own functions, with CRLF whatever ended its
 * lines. Line by line, because that lets the lines of a template be encoded once for all mails: a third of
 * what assembling a mail costs otherwise.
 */
export const quotedPrintable = (text: string): string =>
  text
    .split(/\r\n|\r|\n/)
    .map(encodedLine)
    .join('\r\n');

const encodedLine = (line: string): string => {
  const encodedBefore = known.get(line);
  if (encodedBefore !== undefined) return encodedBefore;
  const encoded = wrap(encode(line));
  remember(line, encoded);
  return encoded;
};

const remember = (line: string, encoded: string): void => {
  // A copy: a line cut out of a mail keeps the whole of it in memory.
  const copy = Buffer.from(line).toString();
  if (!seen.delete(line)) {
    if (seen.size >= seenLinesMax) seen.clear();
    seen.add(copy);
    return;
  }
  if (known.size >= knownLinesMax) known.clear();
  known.set(copy, encoded);
};
