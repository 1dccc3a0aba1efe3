/** Fields by lower-case name. Of a field that comes twice the first counts. */
export type FieldGroup = ReadonlyMap<string, string>;

/** RFC 3464 sets no limit; a report of ours has two groups, and a value is a line or some. */
const groupsMax = 100;
const valueCharsMax = 2000;

const lineFeed = 10;
const carriageReturn = 13;

/** Lines that end with CR LF, LF or CR. By hand: a pattern takes 7 ms for 64 KiB of line breaks, this takes 1. */
const forEachLine = (text: string, use: (line: string) => void): void => {
  let from = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const code = at === text.length ? lineFeed : text.charCodeAt(at);
    if (code !== lineFeed && code !== carriageReturn) continue;
    use(from === at ? '' : text.slice(from, at));
    if (code === carriageReturn && text.charCodeAt(at + 1) === lineFeed) at += 1;
    from = at + 1;
  }
};

/**
 * The groups of fields in a `message/delivery-status`, a `message/feedback-report` or a block of headers:
 * RFC 822's syntax, long lines folded, groups separated by an empty line (RFC 3464, 2.1; RFC 5965, 3).
 * As UTF-8 (RFC 6533, 3); bytes that are none become U+FFFD. Lines that are no field are left out.
 */
export const readFieldGroups = (content: Uint8Array): readonly FieldGroup[] => {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
  const groups: Map<string, string>[] = [];
  let group: Map<string, string> | undefined;
  /** The field that a folded line belongs to. */
  let name: string | undefined;

  const unfold = (line: string): void => {
    const value = name === undefined ? undefined : group?.get(name);
    if (name !== undefined && value !== undefined && value.length < valueCharsMax)
      group?.set(name, `${value} ${line.trim()}`.trim().slice(0, valueCharsMax));
  };

  const begin = (line: string): void => {
    const [, key, value] = /^([\x21-\x39\x3b-\x7e]{1,77})[ \t]*:(.*)$/.exec(line) ?? [];
    name = undefined;
    if (key === undefined || value === undefined) return;
    if (group === undefined) {
      if (groups.length === groupsMax) return;
      group = new Map();
      groups.push(group);
    }
    const lower = key.toLowerCase();
    if (group.has(lower)) return;
    name = lower;
    group.set(lower, value.slice(0, valueCharsMax).trim());
  };

  forEachLine(text, (line) => {
    if (line === '' || /^[ \t]*$/.test(line)) {
      group = undefined;
      name = undefined;
    } else if (line.startsWith(' ') || line.startsWith('\t')) unfold(line);
    else begin(line);
  });
  return groups;
};

/** A value without its comments in parentheses (RFC 822, 3.1.4), which some servers add to a code. */
export const withoutComments = (value: string): string => value.replace(/\([^()]*\)/g, ' ').trim();
