import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../src/secret.ts';
import { leastCpuMs } from './cpu-time.ts';
import {
  key,
  now,
  reasonOf,
  requestOf,
  settings,
  type Signed,
  signedAtSeconds,
  token,
  mailgunCases,
} from './mailgun-cases.ts';

const mutate = (value: string, how: string, at: number, text: string): string => {
  const i = at % value.length;
  switch (how) {
    case 'flip':
      return (
        value.slice(0, i) + String.fromCharCode(value.charCodeAt(i) ^ (1 << (at % 7))) + value.slice(i + 1)
      );
    case 'cut':
      return value.slice(0, i);
    case 'grow':
      return value + text;
    case 'case':
      return value.toUpperCase();
    case 'space':
      return ` ${value} `;
    case 'swap':
      return value.slice(i) + value.slice(0, i);
    case 'empty':
      return '';
    default:
      return text;
  }
};

describe.each(mailgunCases)('$name: the signature', ({ webhook, fields, request, first, fixtures }) => {
  const good: Signed = { key, atSeconds: signedAtSeconds, token };
  const judge = (signed: Partial<Signed>, at = now, with_ = settings): string =>
    reasonOf(webhook.verify({ ...request(first, fields({ ...good, ...signed })), now: at }, with_));
  const seconds = (n: number): Date => new Date((signedAtSeconds + n) * 1000);

  test('a well signed report is accepted, whatever it reports', () => {
    for (const [file, fixture] of fixtures)
      expect(reasonOf(webhook.verify(request(fixture, fields(good)), settings)), file).toBe('ok');
  });

  test('a thousand reports with tokens of their own are all accepted, each under its own replay key', () => {
    const keys = new Set<string>();
    for (let i = 0; i < 1000; i += 1) {
      const verdict = webhook.verify(request(first, fields({ ...good, token: `${token}${i}` })), settings);
      if (verdict.ok) keys.add(verdict.replayKey?.toString('hex') ?? 'none');
    }
    expect(keys.size).toBe(1000);
  });

  test('one that was signed with another key is refused', () =>
    expect(judge({ key: 'other' })).toBe('mismatch'));

  test('an age up to the allowed one is accepted, either way, and a second more is not', () => {
    expect(judge({}, seconds(300))).toBe('ok');
    expect(judge({}, seconds(-300))).toBe('ok');
    expect(judge({}, seconds(301))).toBe('stale');
    expect(judge({}, seconds(-301))).toBe('stale');
  });

  test('a host without a clock accepts nothing', () => expect(judge({}, new Date(Number.NaN))).toBe('stale'));

  test('a report that is both old and forged counts as forged', () =>
    expect(judge({ key: 'other' }, seconds(9999))).toBe('mismatch'));

  test('without a key nothing is accepted, not even what an empty key has signed', () => {
    for (const signingKeys of [[], [new Secret('')], [new Secret(''), new Secret('  ')]])
      for (const signedWith of ['', '  ', key])
        expect(judge({ key: signedWith }, now, { ...settings, signingKeys })).toBe('no_key');
  });

  test('an empty key beside a real one opens nothing', () => {
    const both = { ...settings, signingKeys: [new Secret(''), new Secret(key)] };
    expect(judge({ key: '' }, now, both)).toBe('mismatch');
    expect(judge({}, now, both)).toBe('ok');
  });

  test('while keys rotate, both are good and a third is not', () => {
    const both = { ...settings, signingKeys: [new Secret('new'), new Secret('old')] };
    expect(['new', 'old', 'else'].map((k) => judge({ key: k }, now, both))).toEqual(['ok', 'ok', 'mismatch']);
  });

  test('the replay key depends on the token only, the body hash on the bytes', () => {
    const other = fixtures[1]?.[1] ?? first;
    const digestsOf = (signed: Signed, fixture = first): readonly [replay: string, body: string] => {
      const verdict = webhook.verify(request(fixture, fields(signed)), settings);
      if (!verdict.ok) throw new Error(`refused: ${verdict.reason}`);
      return [verdict.replayKey?.toString('hex') ?? 'none', verdict.bodyHash.toString('hex')];
    };
    const [replay, body] = digestsOf(good);
    expect(replay).toMatch(/^[0-9a-f]{64}$/);
    expect(body).toMatch(/^[0-9a-f]{64}$/);
    expect(digestsOf(good)).toEqual([replay, body]);
    const [sameReplay, otherBody] = digestsOf(good, other);
    expect([sameReplay === replay, otherBody === body]).toEqual([true, false]);
    expect(digestsOf({ ...good, token: `${token}x` })[0]).not.toBe(replay);
  });

  test('of 10,000 reports with a changed signature, time or token none is accepted', () => {
    const original = fields(good);
    expect(reasonOf(webhook.verify(request(first, original), settings))).toBe('ok');
    const changes = fc.constantFrom('flip', 'cut', 'grow', 'case', 'space', 'swap', 'empty', 'text');
    let changed = 0;
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(original)),
        changes,
        fc.nat(1000),
        fc.string({ minLength: 1, maxLength: 80 }),
        (field, how, at, text) => {
          const value = original[field] ?? '';
          const other = mutate(value, how, at, text);
          if (other === value) return;
          changed += 1;
          if (webhook.verify(request(first, { ...original, [field]: other }), settings).ok) accepted += 1;
        },
      ),
      // A third of the changes leave a text as it was: digits have no capitals.
      { numRuns: 15_000 },
    );
    expect(changed).toBeGreaterThanOrEqual(10_000);
    expect(accepted).toBe(0);
  });
});

describe('mailgun: one signature is good for one token', () => {
  test('digits moved between time and token do not make a second request of it', () => {
    const [mailgun] = mailgunCases.filter(({ name }) => name === 'mailgun');
    if (mailgun === undefined) throw new Error('no case');
    const signed = mailgun.fields({ key, atSeconds: signedAtSeconds, token: `1${token}` });
    const moved = { ...signed, timestamp: `${signed['timestamp']}1`, token };
    // Any age is allowed here, so that only the split can refuse it.
    const ageless = { ...settings, maxFutureSeconds: 1e12 };
    const judge = (fields: Readonly<Record<string, string>>): string =>
      reasonOf(mailgun.webhook.verify(mailgun.request(mailgun.first, fields), ageless));
    expect(judge(signed)).toBe('ok');
    expect(judge(moved)).toBe('malformed');
  });

  test('in the flat form the last of several fields signs, as the mail’s own variables come before it', () => {
    const [mailgun] = mailgunCases.filter(({ name }) => name === 'mailgun');
    if (mailgun === undefined) throw new Error('no case');
    const signed = new URLSearchParams(mailgun.fields({ key, atSeconds: signedAtSeconds, token })).toString();
    const judge = (body: string): string =>
      reasonOf(
        mailgun.webhook.verify(requestOf('application/x-www-form-urlencoded; charset=utf-8', body), settings),
      );
    expect(judge(`event=delivered&token=mine&timestamp=1&${signed}`)).toBe('ok');
    expect(judge(`${signed}&event=delivered&token=mine`)).toBe('mismatch');
  });
});

describe.each(mailgunCases)('$name: what cannot be read', ({ webhook, fields, request, first }) => {
  const good = request(first, fields({ key, atSeconds: signedAtSeconds, token }));
  const judge = (contentType: string, body: string | Uint8Array): string =>
    reasonOf(webhook.verify(requestOf(contentType, body), settings));

  test.each([
    ['application/json', ''],
    ['application/json', 'null'],
    ['application/json', '[]'],
    ['application/json', '"signature"'],
    ['application/json', '{"signature":'],
    ['application/json', '\u0000\u0001'],
    ['multipart/form-data; boundary=x', '--x\r\n\r\n--x--'],
    ['', 'not json'],
  ])('%s %j is malformed', (contentType, body) => expect(judge(contentType, body)).toBe('malformed'));

  test.each([
    ['{}'],
    ['{"signature":null}'],
    ['{"signature":[]}'],
    ['{"signature":{}}'],
    ['{"signature":{"timestamp":"","token":"","signature":""}}'],
    ['{"signature":{"timestamp":{},"token":[],"signature":true}}'],
    ['{"__proto__":{"timestamp":"1","token":"2","signature":"3"}}'],
  ])('%s has no signature', (body) => expect(judge('application/json', body)).toBe('missing'));

  test('bytes of any kind are judged without an exception, and none is accepted', () => {
    const types = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', '\u0000'];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...types), (bytes, type) => {
        expect(judge(type, bytes)).not.toBe('ok');
      }),
      { numRuns: 3000 },
    );
  });

  test('a cut or bent body is judged without an exception', () => {
    const bytes = Buffer.from(good.rawBody);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const bent = cut ? bytes.subarray(0, at) : Buffer.from(bytes);
        if (!cut) bent[at] = byte;
        const verdict = webhook.verify({ ...good, rawBody: bent }, settings);
        if (verdict.ok) webhook.parse(verdict.body);
      }),
      { numRuns: 3000 },
    );
  });

  test('a body nested 100,000 deep and one of 256 KiB are judged within 100 ms each', () => {
    const deep = `{"signature":{},"event-data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const wide = JSON.stringify({ signature: {}, pad: 'x'.repeat(262_144) });
    for (const body of [deep, wide]) {
      expect(leastCpuMs(() => judge('application/json', body))).toBeLessThan(100);
    }
  });
});
