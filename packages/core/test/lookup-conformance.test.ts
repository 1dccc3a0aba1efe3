import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  judgeLookUp,
  lookUpStepsMax,
  type LookUpStep,
  type ProviderLookUp,
} from '../src/providers/look-up.ts';
import {
  allProviders,
  answerOf,
  askedAbout,
  askedId,
  askedKey,
  type LookupCase,
  lookupCases,
  type LookupFixture,
  lookupFixturesOf,
  lookupSources,
  settingsFor,
  walk,
} from './lookup-cases.ts';

test('a provider can be asked exactly when it says so, and every one that can is asked everything below', () => {
  for (const { name, capabilities, lookUp } of allProviders)
    expect([name, capabilities.lookup]).toEqual([name, lookUp !== undefined]);
  expect(lookupCases.map(({ name }) => name)).toEqual([
    'mailgun',
    'sendgrid',
    'postmark',
    'resend',
    'brevo',
    'twilio',
  ]);
  for (const { name } of lookupCases) {
    const fixtures = lookupFixturesOf(name).map(([file]) => file);
    expect(fixtures).toEqual(expect.arrayContaining(['delivered.json', 'nothing-known.json']));
    expect(
      Object.values(lookupSources[name] ?? {})
        .flat()
        .toSorted(),
      'each has its page',
    ).toEqual(fixtures);
  }
});

/** Every state that a provider's first question can be in, and those that follow from its fixtures. */
const stepsOf = (of: LookupCase): readonly LookUpStep[] =>
  lookupFixturesOf(of.name).flatMap(([, fixture]) => walk(of, fixture)?.steps ?? []);

/** What is wrong with what a provider asks and reads, or nothing. */
const findFault = (of: LookupCase, fixture: LookupFixture): string | undefined => {
  const walked = walk(of, fixture);
  if (walked === null) return fixture.expected === null ? undefined : 'cannot be asked';
  if (walked.steps.length > lookUpStepsMax) return 'asks too often';
  for (const [at, { request }] of walked.steps.entries()) {
    if (request.url !== `https://api.example.com${fixture.answers[at]?.path}`) return `asks ${request.url}`;
    if (request.url.includes(askedKey)) return 'puts the key into the URL';
    if (!JSON.stringify(request.headers).match(/key-that|a2V5LXRoYXQ|OmtleS10aGF0|[A-Za-z0-9+/]{40}/))
      return 'does not show the key';
  }
  const told = JSON.stringify([walked.events, walked.end]);
  if (/ada\.lovelace|secret|\+45|your code/.test(told)) return `tells ${told}`;
  const foreign = walked.events.find((event) => event.messageId !== askedId || event.type === 'unknown');
  if (foreign !== undefined) return `takes ${JSON.stringify(foreign)}`;
  return undefined;
};

describe.each(lookupCases)('asking $name', (of) => {
  const { name, lookUp } = of;

  test.each(lookupFixturesOf(name))('%s is asked and read as its page has it', (_, fixture) => {
    expect(findFault(of, fixture)).toBeUndefined();
    const walked = walk(of, fixture);
    if (fixture.expected === null) return expect(walked).toBeNull();
    expect(walked?.end).toMatchObject({ kind: 'answered' });
    expect(JSON.parse(JSON.stringify(walked?.events))).toMatchObject(fixture.expected);
    // Asked again, the provider says the same, and it counts once.
    const ids = walked?.events.map(({ eventId }) => eventId) ?? [];
    expect(walk(of, fixture)?.events.map(({ eventId }) => eventId)).toEqual(ids);
    expect(new Set(ids).size, 'each event has an id of its own').toBe(ids.length);
  });

  test('refusals, haste, outages and pages of something else are told apart', () => {
    for (const step of stepsOf(of)) {
      const kindOf = (status: number, body: unknown = {}): string =>
        judgeLookUp(step, answerOf(status, body)).kind;
      for (const status of [401, 402, 403]) expect(kindOf(status)).toBe('refused');
      for (const status of [301, 302, 408, 500, 502, 503]) expect(kindOf(status)).toBe('unavailable');
      for (const status of [400, 204, 422]) expect(kindOf(status)).toBe('unclear');
      for (const body of ['<html>It works</html>', '', 'null', '[]', '"x"', '{"items":['])
        expect(kindOf(200, body)).toBe('unclear');
      const throttled = answerOf(429, {}, { 'retry-after': '7' });
      expect(judgeLookUp(step, throttled)).toEqual({ kind: 'throttled', retryAfterSeconds: 7 });
    }
  });

  test('whatever a provider calls a message, it is asked at its own address and nowhere else', () => {
    const odd = fc.oneof(
      fc.string({ maxLength: 60, unit: 'binary' }),
      fc.constantFrom('../../x', 'a/../../b', 'x?y=1#z', '//evil.example', 'a\r\nb: c', '%2e%2e/x', ''),
    );
    fc.assert(
      fc.property(odd, (providerMessageId) => {
        const step = lookUp.ask(askedAbout(providerMessageId), settingsFor(name));
        if (step === null) return true;
        const { origin, pathname, href } = new URL(step.request.url);
        return origin === 'https://api.example.com' && href === step.request.url && !pathname.includes('..');
      }),
      { numRuns: 1000 },
    );
  });

  test('any JSON is read without an exception, and nothing comes of it but reports of this message', () => {
    const steps = stepsOf(of);
    const names = [
      'items',
      'Messages',
      'MessageID',
      'MessageEvents',
      'events',
      'messages',
      'msg_id',
      'last_event',
      'id',
      'sid',
      'status',
      'event',
      'Details',
      '__proto__',
    ];
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(null, true, 0, 1e300, askedId, 'delivered', 'Bounced', '2026-11-18T00:00:00Z'),
        fc.string({ maxLength: 20 }),
        fc.array(tie('json'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom(...names), tie('json'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.nat(), json, (at, body) => {
        const step = steps[at % steps.length];
        if (step === undefined) throw new Error('a step');
        const verdict = judgeLookUp(step, answerOf(200, body));
        return verdict.kind === 'answered'
          ? verdict.events.every((event) => event.messageId === askedId)
          : verdict.kind === 'unclear';
      }),
      { numRuns: 1000 },
    );
  });
});

/** Providers with one fault each, which the check above has to see. */
const faults: readonly (readonly [string, (lookUp: ProviderLookUp) => ProviderLookUp])[] = [
  [
    'shows its key in the URL',
    (lookUp) =>
      changed(lookUp, (step) => ({
        ...step,
        request: { ...step.request, url: `${step.request.url}&k=${askedKey}` },
      })),
  ],
  [
    'shows no key',
    (lookUp) => changed(lookUp, (step) => ({ ...step, request: { ...step.request, headers: {} } })),
  ],
  [
    'takes reports of another message',
    (lookUp) =>
      changed(lookUp, (step) => ({
        ...step,
        read: (body) => {
          const reading = step.read(body);
          return (
            reading && {
              ...reading,
              events: reading.events.map((event) => ({ ...event, messageId: 'other' })),
            }
          );
        },
      })),
  ],
  [
    'repeats what stands in the mail',
    (lookUp) =>
      changed(lookUp, (step) => ({
        ...step,
        read: (body) => {
          const reading = step.read(body);
          return (
            reading && {
              ...reading,
              events: reading.events.map((event) => ({ ...event, reason: JSON.stringify(body) })),
            }
          );
        },
      })),
  ],
];

const changed = (lookUp: ProviderLookUp, change: (step: LookUpStep) => LookUpStep): ProviderLookUp => {
  const changeAll = (step: LookUpStep): LookUpStep =>
    change({
      ...step,
      read: (body) => {
        const reading = step.read(body);
        return reading?.next === undefined ? reading : { ...reading, next: changeAll(reading.next) };
      },
    });
  return {
    ...lookUp,
    ask: (message, settings) => {
      const step = lookUp.ask(message, settings);
      return step === null ? null : changeAll(step);
    },
  };
};

test.each(faults)('the check finds a provider that %s', (_, broken) => {
  for (const of of lookupCases) {
    const fixture = lookupFixturesOf(of.name).find(([file]) => file === 'delivered.json')?.[1];
    if (fixture === undefined) throw new Error('a fixture');
    expect(findFault({ ...of, lookUp: broken(of.lookUp) }, fixture), of.name).toBeDefined();
  }
});
