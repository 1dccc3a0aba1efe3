/** Fields by lower-case name. Of a field that comes twice the first counts. */
export type FieldGroup = ReadonlyMap<string, string>;

/** RFC 3464 sets no limit; a report of ours has two groups, and a value is a line or some. */
const groupsMax = 100;
const valueCharsMax = 2000;

/**
 * The groups of fields in a `message/delivery-status`, a `message/feedback-report` or a block of headers:
 * RFC 822's syntax, long lines folded, groups separated by an empty line (RFC 3464, 2.1; RFC 5965, 3).
 * As UTF-8 (RFC 6533, 3); bytes that are none become U+FFFD. Lines that are no field are left out.
 */
export const readFieldGroups = (content: Uint8Array): readonly FieldGroup[] => {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
  const groups: Map<string, string>[] = [];
  let group: Map<string, string> | undefined;
  let name: string | undefined;
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (/^[ \t]*$/.test(line)) {
      group = undefined;
      name = undefined;
      continue;
    }
    if (line.startsWith(' ') || line.startsWith('\t')) {
      const value = name === undefined ? undefined : group?.get(name);
      if (name !== undefined && value !== undefined && value.length < valueCharsMax)
        group?.set(name, `${value} ${line.trim()}`.slice(0, valueCharsMax));
      continue;
    }
    const [, key, value] = /^([\x21-\x39\x3b-\x7e]{1,77})[ \t]*:(.*)$/.exec(line) ?? [];
    name = undefined;
    if (key === undefined || value === undefined) continue;
    if (group === undefined) {
      if (groups.length === groupsMax) break;
      group = new Map();
      groups.push(group);
    }
    const lower = key.toLowerCase();
    if (group.has(lower)) continue;
    name = lower;
    group.set(lower, value.slice(0, valueCharsMax).trim());
  }
  return groups;
};

/** A value without its comments in parentheses (RFC 822, 3.1.4), which some servers add to a code. */
export const withoutComments = (value: string): string => value.replace(/\([^()]*\)/g, ' ').trim();
