/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export const numbersFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

export interface Mutation {
  readonly text: string;
  /** What a forger puts in: everything but the proof. */
  readonly claims: readonly string[];
  readonly others: readonly string[];
  readonly next: () => number;
}

const pick = <T>(items: readonly T[], next: () => number): T => {
  const item = items[Math.floor(next() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};

const span = (text: string, next: () => number): readonly [number, number] => {
  const from = Math.floor(next() * text.length);
  return [from, from + 1 + Math.floor(next() * 80)];
};

const changeLine = (text: string, next: () => number, change: (line: string) => string): string => {
  const lines = text.split('\r\n');
  const at = Math.floor(next() * lines.length);
  return lines.map((line, index) => (index === at ? change(line) : line)).join('\r\n');
};

const hostile: readonly string[] = [
  '\0',
  '\r\n\r\n',
  '\r\n\t',
  '\n',
  '--=_part_7f3a\r\n',
  '--=_part_7f3a--\r\n',
  'Content-Type: message/delivery-status\r\n\r\n',
  'Content-Type: multipart/report; report-type=delivery-status; boundary="=_part_7f3a"\r\n',
  'Content-Transfer-Encoding: base64\r\n',
  'Action: failed\r\nStatus: 5.1.1\r\n',
  '('.repeat(3000),
  '<'.repeat(3000),
  'a@'.repeat(1500),
  'a'.repeat(5000),
  '=?utf-8?q?'.repeat(300),
  '\r\n '.repeat(2000),
  'X: \r\n'.repeat(2000),
  '"'.repeat(2000),
  '\u{1f4a3}\u202e\ufeff',
];

/** What the forger changes; most mutations apply a few of these one after another. */
export const mutations: Readonly<Record<string, (mutation: Mutation) => string>> = {
  flipByte: ({ text, next }) => {
    const at = Math.floor(next() * text.length);
    return text.slice(0, at) + String.fromCharCode(Math.floor(next() * 256)) + text.slice(at + 1);
  },
  cut: ({ text, next }) => {
    const [from, to] = span(text, next);
    return text.slice(0, from) + text.slice(to);
  },
  truncate: ({ text, next }) => text.slice(0, Math.floor(next() * text.length)),
  repeat: ({ text, next }) => {
    const [from, to] = span(text, next);
    return text.slice(0, to) + text.slice(from, to).repeat(1 + Math.floor(next() * 20)) + text.slice(to);
  },
  insertHostile: ({ text, next }) => {
    const [at] = span(text, next);
    return text.slice(0, at) + pick(hostile, next) + text.slice(at);
  },
  dropLine: ({ text, next }) => changeLine(text, next, () => ''),
  foldLine: ({ text, next }) => changeLine(text, next, (line) => line.replaceAll(' ', '\r\n\t')),
  shoutLine: ({ text, next }) => changeLine(text, next, (line) => line.toUpperCase()),
  swapLines: ({ text, next }) => {
    const lines = text.split('\r\n');
    const [a, b] = [Math.floor(next() * lines.length), Math.floor(next() * lines.length)];
    return lines.map((line, at) => lines[at === a ? b : at === b ? a : at] ?? line).join('\r\n');
  },
  spliceAnother: ({ text, others, next }) => {
    const other = pick(others, next);
    return text.slice(0, Math.floor(next() * text.length)) + other.slice(Math.floor(next() * other.length));
  },
  claimInField: ({ text, claims, next }) => {
    const name = pick(
      ['To', 'Delivered-To', 'Original-Envelope-Id', 'Original-Mail-From', 'Return-Path', 'Message-ID'],
      next,
    );
    return changeLine(text, next, (line) => `${line}\r\n${name}: ${pick(claims, next)}`);
  },
  claimInPlace: ({ text, claims, next }) =>
    text.replaceAll(/[^\s<>:]+@(?:bounces|mail)\.example\.com/g, (whole) =>
      next() < 0.5 ? whole : pick(claims, next),
    ),
};

/** One mail changed in one to four ways. */
export const mutate = (mutation: Mutation): string => {
  let { text } = mutation;
  const rounds = 1 + Math.floor(mutation.next() * 4);
  for (let round = 0; round < rounds; round += 1)
    text = pick(Object.values(mutations), mutation.next)({ ...mutation, text });
  return text;
};
