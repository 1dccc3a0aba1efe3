import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDnsView, type DnsAnswer } from '../../src/doctor/dns-view.ts';
import { walkSpf } from '../../src/doctor/spf-walk.ts';
import { viewOf, type Zone } from './zone.ts';

const walk = (zone: Zone) => walkSpf('example.com', viewOf(zone));
const spf = (text: string) => ({ TXT: [`v=spf1 ${text}`] });
const host = { address: ['93.184.216.34'] };

describe('the look-ups of an SPF record', () => {
  test.each([
    ['ip4:192.0.2.1 ip6:2001:db8::1 -all', 0],
    ['a:host.example -all', 1],
    ['a:host.example mx:mx.example ptr exists:host.example include:other.example -all', 5],
    ['a:host.example -all a:host.example', 1],
    ['a:host.example redirect=other.example', 2],
    ['redirect=other.example -all', 0],
    ['exp=host.example -all', 0],
    ['exists:%{i}.host.example include:%{d2} -all', 2],
  ])('of %s are %i', (text, lookups) => {
    const zone = {
      'example.com': spf(text),
      'host.example': host,
      'mx.example': { MX: ['10 host.example'] },
      'other.example': spf('-all'),
    };
    expect(walk(zone)).toMatchObject({ lookups, voids: 0, problems: [], isMore: false });
  });

  test('count at every depth, twice where a record is included twice', () => {
    const zone = {
      'example.com': spf('include:one.example include:two.example -all'),
      'one.example': spf('include:two.example -all'),
      'two.example': spf('a:host.example -all'),
      'host.example': host,
    };
    expect(walk(zone).lookups).toBe(5);
    expect(walk(zone).targets).toEqual(new Set(['one.example', 'two.example']));
  });

  test('of a record that includes itself are given up', () => {
    expect(walk({ 'example.com': spf('include:example.com -all') })).toMatchObject({
      lookups: 30,
      isMore: true,
    });
    expect(walk({ 'example.com': spf('redirect=example.com') })).toMatchObject({ lookups: 30, isMore: true });
    const both = spf('include:example.com include:other.example include:example.com -all');
    expect(walk({ 'example.com': both, 'other.example': both })).toMatchObject({ lookups: 30, isMore: true });
  });

  test('that find nothing are void', () => {
    const zone = {
      'example.com': spf('a:gone.example mx:gone.example exists:gone.example include:gone.example -all'),
    };
    expect(walk(zone)).toMatchObject({ voids: 4, problems: [{ kind: 'no_record', domain: 'gone.example' }] });
  });

  test('that are not answered are told, not counted as void', () => {
    const zone = {
      'example.com': spf('a:late.example include:late.example -all'),
      'late.example': { silent: true },
    };
    expect(walk(zone)).toMatchObject({
      voids: 0,
      unanswered: ['late.example', 'late.example'],
      problems: [],
    });
  });

  test('take the end from the target of a redirect, never from an include', () => {
    expect(walk({ 'example.com': spf('redirect=o.example'), 'o.example': spf('~all') }).otherwise).toBe('~');
    expect(
      walk({ 'example.com': spf('include:o.example'), 'o.example': spf('+all') }).otherwise,
    ).toBeUndefined();
  });

  test.each([
    ['no record', {}, 'no_record'],
    ['texts of others only', { 'example.com': { TXT: ['v=spf10', 'hello'] } }, 'no_record'],
    ['two records', { 'example.com': { TXT: ['v=spf1 -all', 'v=spf1 mx -all'] } }, 'several_records'],
    ['a mistake', { 'example.com': spf('ipv4:192.0.2.1 -all') }, 'bad_term'],
    [
      'a mistake in what it includes',
      { 'example.com': spf('include:o.example -all'), 'o.example': spf('al') },
      'bad_term',
    ],
    [
      'two records in what it includes',
      { 'example.com': spf('include:o.example -all'), 'o.example': { TXT: ['v=spf1', 'v=spf1'] } },
      'several_records',
    ],
    [
      'more than ten mail servers',
      { 'example.com': { ...spf('mx -all'), MX: Array.from({ length: 11 }, (_, n) => `10 h${n}.example`) } },
      'too_many_exchanges',
    ],
  ] as const)('end for receivers with %s', (_, zone, kind) => {
    expect(walk(zone).problems.map((problem) => problem.kind)).toEqual([kind]);
  });

  test('are asked for one after the other, each name once', () => {
    const zone: Zone = {
      'example.com': spf('include:one.example include:two.example -all'),
      'one.example': spf('include:two.example -all'),
      'two.example': spf('-all'),
    };
    const texts = new Map<string, DnsAnswer<string>>();
    const asked: string[][] = [];
    for (;;) {
      const view = createDnsView({ texts, exchanges: new Map(), addresses: new Map() });
      walkSpf('example.com', view);
      const names = view.open().map(({ name }) => name);
      if (names.length === 0) break;
      asked.push(names);
      for (const name of names) texts.set(name, viewOf(zone).texts(name));
    }
    expect(asked).toEqual([['example.com'], ['one.example', 'two.example']]);
  });
});

/** Names of the made-up world; a record only includes names, which may be itself. */
const names = ['example.com', 'b.example', 'c.example', 'd.example', 'e.example'];
const term = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...names).map((name) => `include:${name}`) },
  fc.constantFrom(
    'a:host.example',
    'a:gone.example',
    'mx:gone.example',
    'exists:host.example',
    'ptr',
    'ip4:192.0.2.0/24',
    'exists:%{i}.x',
  ),
);
const record = fc
  .tuple(
    fc.array(term, { maxLength: 5 }),
    fc.option(fc.constantFrom('-all', '~all', ...names.map((name) => `redirect=${name}`))),
  )
  .map(([terms, end]) => ['v=spf1', ...terms, ...(end === null ? [] : [end])].join(' '));
const world = fc.tuple(...names.map(() => record)).map((records): Zone => ({
  ...Object.fromEntries(names.map((name, index) => [name, { TXT: [records[index] ?? ''] }])),
  'host.example': host,
}));

/** The same count by plain recursion over the words, which ends only where the world does. */
const countPlainly = (zone: Zone, name: string, budget: { left: number; voids: number }): void => {
  for (const word of (zone[name]?.TXT?.[0] ?? '').split(' ').slice(1)) {
    if (budget.left < 0 || word.endsWith('all')) return;
    if (word.startsWith('ip4:')) continue;
    budget.left -= 1;
    if (budget.left < 0) return;
    if (word.endsWith('gone.example')) budget.voids += 1;
    const target = /^(?:include:|redirect=)(.*)$/.exec(word)?.[1];
    if (target !== undefined) countPlainly(zone, target, budget);
  }
};

test('are counted as plain recursion counts them, in 5,000 made-up worlds', () => {
  let [many, few] = [0, 0];
  fc.assert(
    fc.property(world, (zone) => {
      const budget = { left: 30, voids: 0 };
      countPlainly(zone, 'example.com', budget);
      const counted = walk(zone);
      expect(counted.lookups).toBe(30 - Math.max(0, budget.left));
      expect(counted.isMore).toBe(budget.left < 0);
      expect(counted.voids).toBe(budget.voids);
      if (counted.lookups > 10) many += 1;
      else few += 1;
    }),
    { numRuns: 5000 },
  );
  // Both sides of the limit were met.
  expect(Math.min(many, few)).toBeGreaterThan(100);
});
