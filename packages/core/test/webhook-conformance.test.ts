import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUuid } from '../src/message-id.ts';
import type { ProviderWebhook, WebhookRefusal } from '../src/providers/provider.ts';
import { anyText } from './any-text.ts';
import { leastCpuMs } from './cpu-time.ts';
import { reportingProviders, signedAtSeconds, type WebhookCase, webhookCases } from './webhook-cases.ts';
import { bentMax, countBent, webhookChecks } from './webhook-checks.ts';
import { type Fixture, fixtureSources } from './webhook-fixtures.ts';

type Verify = ProviderWebhook['verify'];

test('every provider that reports is asked everything below, and each has a path of its own', () => {
  const names = reportingProviders.map(({ name }) => name);
  expect(webhookCases.map(({ name }) => name)).toEqual(names);
  expect(names).toEqual(
    expect.arrayContaining(['mailgun', 'ses', 'sendgrid', 'postmark', 'resend', 'brevo']),
  );
  const paths = webhookCases.map(({ webhook }) => webhook.path);
  expect(new Set(paths).size).toBe(paths.length);
  for (const path of paths) expect(path).toMatch(/^\/v1\/[a-z]+\/webhook$/);
});

const seed = Date.now() % 2 ** 31;
/** Drawn anew in every run. A third of them leave a text as it was: digits have no capitals. */
const draws = fc.sample(
  fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(5000), fc.string({ minLength: 1, maxLength: 60 })),
  { numRuns: 18_000, seed },
);

describe.each(webhookCases)('$name: who is believed', (of) => {
  const { verify } = of.webhook;

  test.each(webhookChecks.filter((check) => check.applies(of)))('$name', ({ find }) =>
    expect(find(of, verify)).toBeUndefined(),
  );

  test('of 10,000 bent requests none is taken', { timeout: 120_000 }, () => {
    const { bent, taken } = countBent(of, verify, draws);
    expect(bent, `seed ${seed}`).toBe(bentMax);
    expect(taken, `seed ${seed}`).toBe(0);
  });

  test('any bytes, headers and addresses are judged without an exception, and none is taken', () => {
    const names = [
      'authorization',
      'svix-id',
      'svix-timestamp',
      'svix-signature',
      'x-webhook-secret',
      '__proto__',
    ];
    const headers = fc.dictionary(fc.constantFrom(...names), fc.oneof(anyText(60), fc.array(anyText(5))), {
      noNullPrototype: true,
    });
    const settings = of.settings(['current', 'next'], { allowedAddresses: [] });
    const request = of.sign(of.first, { key: 'current', atSeconds: 1, id: 'x' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), headers, anyText(20), (rawBody, given, text) => {
        const any = {
          ...request,
          rawBody,
          headers: given,
          contentType: text,
          clientAddress: text,
          url: text,
        };
        expect(verify(any, settings).ok).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});

const accepted = { ok: true, bodyHash: Buffer.alloc(32), body: {}, late: false } as const;

const takingRefusal =
  (reason: WebhookRefusal) =>
  ({ webhook }: WebhookCase): Verify =>
  (request, settings) => {
    const verdict = webhook.verify(request, settings);
    return !verdict.ok && verdict.reason === reason ? accepted : verdict;
  };

const rewritten = (bytes: Uint8Array): Uint8Array => {
  const text = Buffer.from(bytes).toString();
  try {
    return Buffer.from(JSON.stringify(JSON.parse(text)));
  } catch {
    return bytes;
  }
};

/** Verifiers with one fault each, and the check that has to see it. */
const faults: readonly {
  readonly fault: string;
  readonly broken: (of: WebhookCase) => Verify;
  readonly applies: (of: WebhookCase) => boolean;
  readonly seenBy: RegExp;
}[] = [
  {
    fault: 'takes what another key has signed',
    broken: takingRefusal('mismatch'),
    applies: () => true,
    seenBy: /foreign secret/,
  },
  {
    fault: 'takes what is not signed at all',
    broken: takingRefusal('missing'),
    applies: () => true,
    seenBy: /unsigned/,
  },
  {
    fault: 'looks at one secret only',
    broken:
      ({ webhook }) =>
      (request, given) =>
        webhook.verify(request, {
          ...given,
          signingKeys: given.signingKeys.slice(0, 1),
          ...(given.sns && { sns: { ...given.sns, topicArns: given.sns.topicArns.slice(0, 1) } }),
        }),
    applies: () => true,
    seenBy: /both are good/,
  },
  {
    fault: 'never looks at the time',
    broken:
      ({ webhook }) =>
      (request, given) =>
        webhook.verify(request, { ...given, maxAgeSeconds: 1e12, maxFutureSeconds: 1e12 }),
    applies: ({ hasTime }) => hasTime,
    seenBy: /further in the future/,
  },
  {
    fault: 'refuses what is late',
    broken:
      ({ webhook }) =>
      (request, given) =>
        webhook.verify(request, { ...given, late: 'refuse' }),
    applies: ({ hasTime }) => hasTime,
    seenBy: /as long as a repetition is known/,
  },
  {
    fault: 'verifies what a framework has parsed and written again',
    broken:
      ({ webhook }) =>
      (request, given) =>
        webhook.verify({ ...request, rawBody: rewritten(request.rawBody) }, given),
    applies: ({ covers }) => covers === 'bytes',
    seenBy: /spelled differently is refused/,
  },
  {
    fault: 'lets every address in',
    broken:
      ({ webhook }) =>
      (request, given) =>
        webhook.verify(request, { ...given, allowedAddresses: [] }),
    applies: ({ covers }) => covers === 'nothing',
    seenBy: /not on the list/,
  },
];

describe.each(webhookCases)('$name: the checks see a verifier that', (of) => {
  test.each(faults.filter(({ applies }) => applies(of)))('$fault', ({ broken, seenBy }) => {
    const verify = broken(of);
    const seen = webhookChecks.filter((check) => check.applies(of) && check.find(of, verify) !== undefined);
    expect(seen.map(({ name }) => name)).toEqual(expect.arrayContaining([expect.stringMatching(seenBy)]));
  });

  test('takes one bent request in a hundred', () => {
    let asked = 0;
    const sloppy: Verify = (request, settings) => {
      asked += 1;
      return asked % 100 === 0 ? accepted : of.webhook.verify(request, settings);
    };
    expect(countBent(of, sloppy, draws.slice(0, 1000)).taken).toBeGreaterThan(0);
  });
});

describe.each(webhookCases)('$name: what a report means', (of) => {
  const parseSigned = (fixture: Fixture): ReturnType<ProviderWebhook['parse']> => {
    const signed = { key: 'current', atSeconds: signedAtSeconds, id: of.idOfFixtures } as const;
    const verdict = of.webhook.verify(of.sign(fixture, signed), of.settings(['current']));
    if (!verdict.ok) throw new Error(`refused: ${verdict.reason}`);
    return of.webhook.parse(verdict.body);
  };
  // Of these a hash of the token is the id, which mailgun-reports.test.ts holds.
  const fixtures = of.fixtures.filter(([, { expected }]) => expected[0]?.['eventId'] !== '(token)');

  test.each(fixtures)('%s', (_file, fixture) =>
    expect(parseSigned(fixture)).toEqual(
      fixture.expected.map((event) => ({ ...event, occurredAt: new Date(String(event['occurredAt'])) })),
    ),
  );

  test('each of them says which page it was made after', () => {
    const listed = Object.entries(fixtureSources[of.name] ?? {}).flatMap(([page, files]) => {
      expect(page).toMatch(/^https:\/\//);
      return files;
    });
    expect(listed.toSorted()).toEqual(of.fixtures.map(([file]) => file));
  });

  test('delivered, deferred, bounced hard and soft, complained and neither of them are all among them', () => {
    const kinds = of.fixtures.flatMap(([, fixture]) =>
      parseSigned(fixture).map(({ type, bounce }) => (bounce === undefined ? type : `${type} ${bounce}`)),
    );
    for (const kind of ['delivered', 'deferred', 'bounced hard', 'bounced soft', 'complained', 'unknown'])
      expect(kinds, kind).toContain(kind);
  });

  test('no report names the address that it was about', () => {
    for (const [file, fixture] of of.fixtures) {
      const text = JSON.stringify(parseSigned(fixture));
      expect(text, file).not.toMatch(/example\.org|ada\.lovelace/);
    }
  });

  test('any JSON in place of a report gives no exception, and nothing that the database would refuse', () => {
    const bodies = of.fixtures.map(([, { body }]) => body);
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('\u0000', '-1', '1e999', 'NaN', '__proto__', '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01'),
      anyText(40),
    );
    const body = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc
        .tuple(fc.constantFrom(...bodies), fc.array(fc.tuple(fc.nat(50), values), { maxLength: 4 }))
        .map(([report, changes]) => withChanges(report, changes)),
    );
    const wrappings = [
      (given: unknown) => given,
      (given: unknown) => ({ id: 'x', message: given }),
      (given: unknown) => ({ id: 'x', report: given }),
      (given: unknown) => [given, given],
    ];
    fc.assert(
      fc.property(body, fc.constantFrom(...wrappings), (given, wrap) => {
        for (const report of of.webhook.parse(wrap(given))) {
          expect(report.eventId).toMatch(/^[\x21-\x7e]{1,120}$/);
          expect(Number.isFinite(report.occurredAt.getTime())).toBe(true);
          expect(report.messageId === undefined || isUuid(report.messageId)).toBe(true);
          expect(report.providerMessageId ?? 'x').toMatch(/^[\x21-\x7e]{1,320}$/);
          expect(report.reason ?? 'x').not.toMatch(/\p{Cc}/u);
          expect((report.reason ?? '').length).toBeLessThanOrEqual(400);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('a report is read within 10 ms, whatever fills its fields', () => {
    const long = 'a@b '.repeat(50_000);
    const filled = of.fixtures.map(([, fixture]) => {
      const body = JSON.parse(JSON.stringify(fixture.body), (_key, value: unknown) =>
        typeof value === 'string' && value.includes(' ') ? long : value,
      ) as Record<string, unknown>;
      return { ...fixture, body };
    });
    for (const fixture of [...of.fixtures.map(([, one]) => one), ...filled]) {
      const wrapped = [fixture.body, { id: 'x', message: fixture.body }, { id: 'x', report: fixture.body }];
      for (const body of wrapped) {
        expect(leastCpuMs(() => of.webhook.parse(body))).toBeLessThan(
          10 * Math.max(1, of.webhook.parse(body).length),
        );
      }
    }
  });
});

/** A report with some of its values replaced, wherever they stand. */
const withChanges = (report: unknown, changes: readonly (readonly [number, unknown])[]): unknown => {
  let place = -1;
  const replaced = new Map(changes);
  return JSON.parse(JSON.stringify(report), (_key, value: unknown) => {
    place += 1;
    return replaced.has(place) ? replaced.get(place) : value;
  }) as unknown;
};
