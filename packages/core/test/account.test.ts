import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEmailAddress } from '../src/account.ts';
import { anyText } from './any-text.ts';
import { fullRuns, fullRunsTimeoutMs } from './full-runs.ts';

const long = (n: number): string => 'a'.repeat(n);

/** What is typed, what goes on the wire, and the form that limits count; null: not an address. */
const table: readonly (readonly [typed: string, address: string | null, limitForm?: string])[] = [
  ['ada@example.com', 'ada@example.com'],
  ['  ada@example.com ', 'ada@example.com'],
  ['Ada.Lovelace@Example.COM', 'Ada.Lovelace@example.com', 'ada.lovelace@example.com'],
  ['ada+news@example.com', 'ada+news@example.com', 'ada@example.com'],
  ['+ada@example.com', '+ada@example.com', '+ada@example.com'],
  ['a.d.a+x@gmail.com', 'a.d.a+x@gmail.com', 'ada@gmail.com'],
  ['A.d.a@GoogleMail.com', 'A.d.a@googlemail.com', 'ada@gmail.com'],
  ["o'brien@example.com", "o'brien@example.com"],
  ['x@sub.sub.example.co.uk', 'x@sub.sub.example.co.uk'],
  ['1234567890@example.com', '1234567890@example.com'],
  ['a!#$%&*/=?^_`{|}~-b@example.com', 'a!#$%&*/=?^_`{|}~-b@example.com'],
  ['user@xn--bcher-kva.example', 'user@xn--bcher-kva.example'],
  ['user@bücher.example', 'user@xn--bcher-kva.example', 'user@xn--bcher-kva.example'],
  ['user@BÜCHER.example', 'user@xn--bcher-kva.example', 'user@xn--bcher-kva.example'],
  ['user@faß.de', 'user@xn--fa-hia.de', 'user@xn--fa-hia.de'],
  ['user@пример.рф', 'user@xn--e1afmkfd.xn--p1ai', 'user@xn--e1afmkfd.xn--p1ai'],
  ['user@例え.テスト', 'user@xn--r8jz45g.xn--zckzah', 'user@xn--r8jz45g.xn--zckzah'],
  ['user@example。com', 'user@example.com', 'user@example.com'],
  ['user@ｅｘａｍｐｌｅ.com', 'user@example.com', 'user@example.com'],
  ['user@\u212aelvin.com', 'user@kelvin.com', 'user@kelvin.com'],
  ['josé@example.com', 'josé@example.com'],
  ['jose\u0301@example.com', 'josé@example.com', 'josé@example.com'],
  ['用户@example.com', '用户@example.com'],
  ['ａｄａ@example.com', 'ａｄａ@example.com', 'ada@example.com'],
  ['quack@example.com', 'quack@example.com'],
  ['quac\u212a@example.com', null],
  ['a\u1fef@example.com', null],
  ['d\u0131ana@example.com', 'd\u0131ana@example.com'],
  ['D\u0130ana@example.com', 'D\u0130ana@example.com', 'di\u0307ana@example.com'],
  [`${long(64)}@example.com`, `${long(64)}@example.com`],
  [`${long(65)}@example.com`, null],
  [`${'é'.repeat(33)}@example.com`, null],
  [`a@${long(63)}.com`, `a@${long(63)}.com`],
  [`a@${long(64)}.com`, null],
  [`a@${'b.'.repeat(124)}com`, `a@${'b.'.repeat(124)}com`],
  [`a@${'b.'.repeat(125)}com`, null],
  ['', null],
  ['   ', null],
  ['ada', null],
  ['@example.com', null],
  ['ada@', null],
  ['ada@@example.com', null],
  ['ada@bob@example.com', null],
  ['ada@localhost', null],
  ['ada@example', null],
  ['ada@example.com.', null],
  ['ada@.example.com', null],
  ['ada@example..com', null],
  ['ada@-example.com', null],
  ['ada@example-.com', null],
  ['ada@exa_mple.com', null],
  ['.ada@example.com', null],
  ['ada.@example.com', null],
  ['a..da@example.com', null],
  ['ada lovelace@example.com', null],
  ['"ada lovelace"@example.com', null],
  ['"ada"@example.com', null],
  ['ada(comment)@example.com', null],
  ['Ada <ada@example.com>', null],
  ['<ada@example.com>', null],
  ['mailto:ada@example.com', null],
  ['ada@example.com,bob@example.com', null],
  ['ada,bob@example.com', null],
  ['ada@example.com;bob@example.com', null],
  ['ada@example.com bob@example.com', null],
  ['ada@example.com\r\nBcc: bob@example.com', null],
  ['ada@example.com\r\n', null],
  ['ada\n@example.com', null],
  ['ada@exam\nple.com', null],
  ['ada@exam\tple.com', null],
  ['ada\u0000@example.com', null],
  ['ada@example.com\u0000', null],
  ['ada\u2028@example.com', null],
  ['ada\u00a0@example.com', null],
  ['a\u200bda@example.com', null],
  ['\u202eada@example.com', null],
  ['ada@exa\u00admple.com', null],
  ['ada@exa\u200bmple.com', null],
  ['ada@[127.0.0.1]', null],
  ['ada@127.0.0.1', null],
  ['ada@0x7f.1', null],
  ['ada@2130706433', null],
  ['ada@[IPv6:::1]', null],
  ['ada@example.com:25', null],
  ['ada@example.com/path', null],
  ['ada@example.com?x=1', null],
  ['ada@example.com#x', null],
  ['ada@example.com\\evil.com', null],
  ['ada@%65xample.com', null],
  ['ada@user:pw@example.com', null],
  ['ada%40evil.com@example.com', 'ada%40evil.com@example.com'],
  ['ada@☕.example', null],
  ['ada＠example.com', null],
];

test('the table holds enough addresses', () => expect(table.length).toBeGreaterThanOrEqual(60));

const rows = table.map(([typed, address, limitForm]) => ({
  typed,
  address,
  limitForm: limitForm ?? address,
}));

test.each(rows)('$typed goes on the wire as $address', ({ typed, address, limitForm }) => {
  const parsed = parseEmailAddress(typed);
  expect(parsed?.address ?? null).toBe(address);
  expect(parsed?.limitForm ?? null).toBe(limitForm);
});

describe('look-up', () => {
  const lookup = (typed: string, identity: 'exact' | 'gmail'): string | undefined =>
    parseEmailAddress(typed, identity)?.lookupForm;

  test.each([
    ['Ada@Example.com', 'ada@example.com', 'ada@example.com'],
    ['a.d.a+x@gmail.com', 'a.d.a+x@gmail.com', 'ada@gmail.com'],
    ['ADA@googlemail.com', 'ada@googlemail.com', 'ada@gmail.com'],
    ['a.d.a+x@example.com', 'a.d.a+x@example.com', 'a.d.a+x@example.com'],
    ['JOSÉ@example.com', 'josÉ@example.com', 'josÉ@example.com'],
  ])('%s is found as %s, and by the rule for Gmail as %s', (typed, exact, gmail) => {
    expect(lookup(typed, 'exact')).toBe(exact);
    expect(lookup(typed, 'gmail')).toBe(gmail);
  });

  test('letters that fold to ASCII in some language stay another address', () => {
    const forms = ['diana', 'd\u0131ana', 'D\u0130ana', 'ｄiana', 'dìana'].map((l) =>
      lookup(`${l}@example.com`, 'exact'),
    );
    expect(new Set(forms).size).toBe(forms.length);
  });
});

const letters = fc.constantFrom(
  ...'abzAZ019.+-_\'é\u0301\u0130\u0131\u212a\u017fßＡﬁ用 @,;:"()<>[]\\\r\n\t\u0000\u200b/%#?',
);
const domains = fc.constantFrom(
  'example.com',
  'gmail.com',
  'GoogleMail.com',
  'bücher.example',
  'a.b',
  'x\r\n.com',
  'a/b.com',
);
const typed = fc.oneof(
  fc
    .tuple(
      fc.array(letters, { minLength: 1, maxLength: 12 }).map((l) => l.join('')),
      domains,
    )
    .map((p) => p.join('@')),
  anyText(40),
  fc.emailAddress(),
);
const identities = fc.constantFrom('exact' as const, 'gmail' as const);

describe('whatever is typed', () => {
  test(
    'an address that is read is read again as itself, and so is its look-up form',
    { timeout: fullRunsTimeoutMs },
    () => {
      fc.assert(
        fc.property(typed, identities, (text, identity) => {
          const once = parseEmailAddress(text, identity);
          if (once === undefined) return;
          expect(parseEmailAddress(once.address, identity)).toEqual(once);
          expect(parseEmailAddress(once.lookupForm, identity)?.lookupForm).toBe(once.lookupForm);
        }),
        { numRuns: fullRuns(100_000) },
      );
    },
  );

  test(
    'what goes on the wire is one addr-spec in one header line: one @, no separator, no space, no control',
    { timeout: fullRunsTimeoutMs },
    () => {
      fc.assert(
        fc.property(typed, (text) => {
          const parsed = parseEmailAddress(text);
          if (parsed === undefined) return;
          expect(parsed.address).not.toMatch(/[\s,;:<>()[\]"\\\p{Cc}\p{Cf}]/u);
          expect(parsed.address.split('@')).toHaveLength(2);
          expect(parsed.address.split('@')[1]).toMatch(/^[a-z0-9.-]+$/);
          expect(Buffer.byteLength(parsed.address)).toBeLessThanOrEqual(254);
        }),
        { numRuns: fullRuns(100_000) },
      );
    },
  );

  test(
    'mail goes to the A-label form of the domain (UTS 46), however plain it looks',
    { timeout: fullRunsTimeoutMs },
    () => {
      const label = fc.stringMatching(/^(?:xn--|0x|ab--)?[a-z0-9-]{1,8}$/);
      const domain = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));
      const seen = { read: 0, refused: 0 };
      fc.assert(
        fc.property(domain, (text) => {
          const parsed = parseEmailAddress(`ada@${text}`);
          seen[parsed === undefined ? 'refused' : 'read'] += 1;
          if (parsed !== undefined) expect(parsed.address).toBe(`ada@${domainToASCII(text)}`);
        }),
        { numRuns: fullRuns(100_000) },
      );
      expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(100);
    },
  );

  test(
    'mail goes to the very mailbox that was typed: no rule for limits or look-up changes where',
    { timeout: fullRunsTimeoutMs },
    () => {
      let read = 0;
      fc.assert(
        fc.property(typed, identities, (text, identity) => {
          const parsed = parseEmailAddress(text, identity);
          if (parsed === undefined) return;
          read += 1;
          const at = text.trim().lastIndexOf('@');
          const localPart = text.trim().slice(0, at).normalize('NFC');
          expect(parsed.address).toBe(`${localPart}@${domainToASCII(text.trim().slice(at + 1))}`);
          // What limits count is folded once and for all: folding it again changes nothing.
          const again = parseEmailAddress(parsed.limitForm);
          expect(again?.limitForm ?? parsed.limitForm).toBe(parsed.limitForm);
        }),
        { numRuns: fullRuns(100_000) },
      );
      expect(read).toBeGreaterThan(fullRuns(100_000) / 50);
    },
  );

  test(
    'two mailboxes that differ in more than ASCII case or composition are never one account',
    { timeout: fullRunsTimeoutMs },
    () => {
      const same = (a: string, b: string): boolean => {
        const bare = (t: string): string => t.normalize('NFC').replace(/[A-Z]/g, (l) => l.toLowerCase());
        return bare(a) === bare(b);
      };
      // Pairs of near-equal local parts: most of them would collide under a careless fold.
      const near = fc.array(
        fc.constantFrom(
          'i',
          'I',
          '\u0131',
          '\u0130',
          'k',
          'K',
          '\u212a',
          's',
          '\u017f',
          'ß',
          'ss',
          '.',
          '+',
          'é',
          'e\u0301',
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      );
      let compared = 0;
      fc.assert(
        fc.property(near, near, (left, right) => {
          const a = left.join('');
          const b = right.join('');
          const first = parseEmailAddress(`${a}@example.com`);
          const second = parseEmailAddress(`${b}@example.com`);
          if (first === undefined || second === undefined) return;
          compared += 1;
          expect(first.lookupForm === second.lookupForm).toBe(same(a, b));
        }),
        { numRuns: fullRuns(100_000) },
      );
      expect(compared).toBeGreaterThan(fullRuns(100_000) / 4);
    },
  );

  test('a hundred spellings of one Gmail mailbox share one limit, and mail goes to each as typed', () => {
    const spellings = Array.from({ length: 100 }, (_, i) => {
      const dotted = [...'adalove'].map((l, n) => ((i >> n) & 1 && n > 0 ? `.${l}` : l)).join('');
      return `${i % 2 ? dotted.toUpperCase() : dotted}+tag${i}@${i % 3 ? 'gmail.com' : 'googlemail.com'}`;
    });
    const parsed = spellings.map((text) => parseEmailAddress(text));
    expect(new Set(parsed.map((p) => p?.limitForm))).toEqual(new Set(['adalove@gmail.com']));
    expect(parsed.map((p) => p?.address)).toEqual(spellings);
  });
});
