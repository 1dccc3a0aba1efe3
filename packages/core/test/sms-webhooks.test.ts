import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUuid } from '../src/message-id.ts';
import type { WebhookRequest } from '../src/providers/provider.ts';
import { Secret } from '../src/secret.ts';
import { smsProviders } from '../src/sms-providers/registry.ts';
import type { SmsProvider } from '../src/sms-providers/provider.ts';
import { twilio } from '../src/sms-providers/twilio.ts';
import { anyText } from './any-text.ts';
import { keys, now, settings, smsWebhookCases, webhookId } from './sms-webhook-cases.ts';
import type { Fixture } from './webhook-fixtures.ts';

test('every SMS provider with a webhook is enrolled in the tests below', () => {
  const withWebhook = Object.values<SmsProvider>(smsProviders)
    .filter(({ webhook }) => webhook !== undefined)
    .map(({ name }) => name);
  expect(smsWebhookCases.map(({ name }) => name)).toEqual(withWebhook);
});

test("Twilio's published example verifies, and the same fields in another order too", () => {
  // "Webhooks Security" in Twilio's documentation.
  const fields = {
    CallSid: 'CA1234567890ABCDE',
    Caller: '+14158675309',
    Digits: '1234',
    From: '+14158675309',
    To: '+18005551212',
  };
  for (const entries of [Object.entries(fields), Object.entries(fields).toReversed()]) {
    const request = {
      rawBody: Buffer.from(new URLSearchParams(entries).toString()),
      contentType: 'application/x-www-form-urlencoded',
      headers: { 'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' },
      url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
      clientAddress: '192.0.2.7',
      now,
    };
    const verdictOf = (url: string) =>
      twilio.webhook.verify({ ...request, url }, { ...settings, signingKeys: [new Secret('12345')] }).ok;
    expect(verdictOf(request.url)).toBe(true);
    expect(verdictOf('https://mycompany.com/myapp.php?foo=1&bar=3')).toBe(false);
    expect(verdictOf('http://mycompany.com/myapp.php?foo=1&bar=2')).toBe(false);
  }
});

describe.each(smsWebhookCases)('$name: reports', ({ name, webhook, sign, fixtures }) => {
  const [first] = fixtures.map(([, fixture]) => fixture);
  const fixture = first as Fixture;
  const reasonOf = (request: WebhookRequest, changed: Partial<typeof settings> = {}): string => {
    const verdict = webhook.verify(request, { ...settings, ...changed });
    return verdict.ok ? 'ok' : verdict.reason;
  };
  const parseSigned = (of: Fixture) => {
    const verdict = webhook.verify(sign(of, keys[1]), settings);
    if (!verdict.ok) throw new Error(`refused: ${verdict.reason}`);
    return webhook.parse(verdict.body);
  };

  test.each(fixtures)('%s', (_file, of) => {
    const expected = of.expected.map((event) => ({
      ...event,
      occurredAt: new Date(String(event['occurredAt'])),
      eventId: event['eventId'] === '(id)' ? webhookId : event['eventId'],
    }));
    expect(parseSigned(of)).toEqual(expected);
    expect(parseSigned(of)).toEqual(expected);
  });

  test('no report names the number that it was about', () => {
    for (const [file, of] of fixtures)
      expect(JSON.stringify(parseSigned(of)), file).not.toContain('20123456');
  });

  test('a request signed with either key is taken, with another or none refused', () => {
    for (const key of keys) expect(reasonOf(sign(fixture, key))).toBe('ok');
    expect(reasonOf(sign(fixture, 'Zm9yZWlnbl9rZXk='))).toBe('mismatch');
    expect(reasonOf({ ...sign(fixture, keys[0]), headers: {} })).toBe('missing');
    expect(reasonOf(sign(fixture, keys[0]), { signingKeys: [] })).toBe('no_key');
    expect(reasonOf(sign(fixture, keys[0]), { signingKeys: [new Secret('')] })).toBe('no_key');
  });

  test('of 2,000 requests with a byte of the body changed none is taken', () => {
    const request = sign(fixture, keys[0]);
    fc.assert(
      fc.property(fc.nat(request.rawBody.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const rawBody = Uint8Array.from(request.rawBody);
        rawBody[at] = ((rawBody[at] ?? 0) + by) % 256;
        // Two spellings of one form are one report: %2b and %2B, a plus and a space.
        const isSame =
          request.contentType.includes('form') &&
          new URLSearchParams(Buffer.from(rawBody).toString()).toString() ===
            new URLSearchParams(Buffer.from(request.rawBody).toString()).toString();
        expect(isSame || reasonOf({ ...request, rawBody }) !== 'ok').toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('whatever comes in: no exception, and nothing that the database would refuse', () => {
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      anyText(40),
      fc.constantFrom('delivered', '\u0000', '__proto__'),
    );
    const headers = fc.dictionary(
      fc.constantFrom('x-twilio-signature', 'webhook-id', 'webhook-timestamp', 'webhook-signature'),
      anyText(60),
    );
    const bodies = fc.oneof(
      values,
      fc.record({
        fields: values,
        receivedAt: values,
        report: values,
        id: values,
        sentAt: values,
        messageId: values,
      }),
      fc.record({
        fields: fc.dictionary(fc.constantFrom('MessageSid', 'MessageStatus', 'ErrorCode'), values),
        receivedAt: fc.constant(now),
        messageId: values,
      }),
      fc.record({
        report: fc.record({
          type: values,
          data: fc.dictionary(fc.constantFrom('id', 'providerId', 'code'), values),
        }),
        id: fc.constant('x'),
        sentAt: fc.constant(now),
      }),
    );
    fc.assert(
      fc.property(anyText(200), anyText(40), headers, bodies, (raw, contentType, given, body) => {
        const request = {
          rawBody: Buffer.from(raw),
          contentType,
          headers: given,
          url: raw,
          clientAddress: raw,
          now,
        };
        expect(webhook.verify(request, settings).ok).toBe(false);
        for (const report of webhook.parse(body)) {
          expect(report.eventId).toMatch(/^[\x21-\x7e]{1,120}$/);
          expect(Number.isFinite(report.occurredAt.getTime())).toBe(true);
          expect(report.messageId === undefined || isUuid(report.messageId)).toBe(true);
          expect(report.providerMessageId ?? 'x').toMatch(/^[\x21-\x7e]{1,250}$/);
          expect(report.reason ?? 'x').not.toMatch(/\p{Cc}/u);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a signed time may be off by five minutes, where there is one', () => {
    const at = (ms: number) => reasonOf({ ...sign(fixture, keys[0]), now: new Date(now.getTime() + ms) });
    expect(at(280_000)).toBe('ok');
    expect(at(300_001)).toBe(name === 'twilio' ? 'ok' : 'stale');
  });
});
