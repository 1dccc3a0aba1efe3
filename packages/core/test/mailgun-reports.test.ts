import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUuid } from '../src/message-id.ts';
import type { ProviderWebhook } from '../src/providers/provider.ts';
import { anyText } from './any-text.ts';
import { leastCpuMs } from './cpu-time.ts';
import { key, mailgunCases, settings, signedAtSeconds, token } from './mailgun-cases.ts';
import type { Fixture } from './webhook-fixtures.ts';

describe.each(mailgunCases)(
  '$name: what a report means',
  ({ webhook, fields, request, eventIdOfToken, fixtures }) => {
    const parseSigned = (fixture: Fixture): ReturnType<ProviderWebhook['parse']> => {
      const verdict = webhook.verify(
        request(fixture, fields({ key, atSeconds: signedAtSeconds, token })),
        settings,
      );
      if (!verdict.ok) throw new Error(`refused: ${verdict.reason}`);
      return webhook.parse(verdict.body);
    };

    test.each(fixtures)('%s means what is written beside it', (_file, fixture) => {
      const expected = fixture.expected.map((event) => ({
        ...event,
        occurredAt: new Date(String(event['occurredAt'])),
        eventId: event['eventId'] === '(token)' ? eventIdOfToken : event['eventId'],
      }));
      expect(parseSigned(fixture)).toEqual(expected);
    });

    test('a report that is read twice is the same report', () => {
      for (const [, fixture] of fixtures) expect(parseSigned(fixture)).toEqual(parseSigned(fixture));
    });

    test('no report names the address that it was about', () => {
      for (const [file, fixture] of fixtures) {
        const text = JSON.stringify(parseSigned(fixture));
        expect(text, file).not.toContain('example.org');
        expect(text, file).not.toContain('ada.lovelace');
      }
    });

    test('garbage in place of a report gives no exception, and nothing that the database would refuse', () => {
      const values = fc.oneof(
        { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
        fc.constantFrom(
          'delivered',
          'failed',
          'bounced',
          'temporary',
          '\u0000',
          '-1',
          '1e999',
          'NaN',
          '1794960000',
          '__proto__',
        ),
        anyText(40),
      );
      const names = [
        'event',
        'severity',
        'reason',
        'id',
        'timestamp',
        'recipient',
        'message',
        'user-variables',
        'mid',
        'message-id',
        'Message-Id',
        'delivery-status',
        'code',
        'error',
        'description',
        'reject',
        '__proto__',
      ];
      const event = fc.dictionary(fc.constantFrom(...names), values, { noNullPrototype: true });
      const headers = fc.record({
        message: fc.record({ headers: fc.dictionary(fc.constantFrom('message-id', 'to'), values) }),
      });
      const body = fc.oneof(
        values,
        event,
        fc.record({
          'event-data': fc.oneof(
            values,
            event,
            fc.tuple(event, headers).map(([a, b]) => ({ ...a, ...b })),
          ),
          signature: values,
        }),
      );
      fc.assert(
        fc.property(body, (given) => {
          for (const report of webhook.parse(given)) {
            expect(report.eventId).toMatch(/^[\x21-\x7e]{1,120}$/);
            expect(Number.isFinite(report.occurredAt.getTime())).toBe(true);
            expect(report.messageId === undefined || isUuid(report.messageId)).toBe(true);
            expect(report.providerMessageId ?? 'x').toMatch(/^[\x21-\x7e]{1,250}$/);
            expect(report.reason ?? 'x').not.toMatch(/\p{Cc}/u);
            expect((report.reason ?? '').length).toBeLessThanOrEqual(400);
          }
        }),
        { numRuns: 10_000 },
      );
    });

    test('a report is read within 10 ms, whatever fills its fields', () => {
      const long = 'a@b '.repeat(60_000);
      const bodies = fixtures.map(([, fixture]) => fixture.body);
      const hostile = {
        'event-data': {
          event: 'failed',
          id: long,
          timestamp: 1,
          recipient: long,
          reason: long,
          message: { headers: { 'message-id': long } },
          'delivery-status': { message: long, code: long },
        },
        signature: { token: long, timestamp: '1' },
      };
      for (const body of [...bodies, hostile]) {
        expect(leastCpuMs(() => webhook.parse(body))).toBeLessThan(10);
      }
    });
  },
);
