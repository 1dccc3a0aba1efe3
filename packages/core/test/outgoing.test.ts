import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { judgeAttempt, retryDelaysSeconds, type AttemptOutcome } from '../src/outgoing/delivery.ts';
import { outgoingPayload, type OutgoingEventFacts } from '../src/outgoing/event.ts';
import { webhookHeaders, webhookSecretOf } from '../src/outgoing/signature.ts';

const answered = (status: number): AttemptOutcome => ({ kind: 'answered', status });

describe('what follows from an attempt', () => {
  test.each([200, 201, 202, 204, 299])('%i: it is delivered', (status) =>
    expect(judgeAttempt(answered(status), 0, 0.5)).toEqual({ status: 'delivered' }),
  );

  test.each([100, 199, 301, 302, 307, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 599, 0])(
    '%i: it is tried again',
    (status) =>
      expect(judgeAttempt(answered(status), 0, 0.5)).toEqual({ status: 'pending', retryAfterSeconds: 5 }),
  );

  test('410 ends it and the endpoint', () =>
    expect(judgeAttempt(answered(410), 0, 0.5)).toEqual({ status: 'dead', disablesEndpoint: true }));

  test('eight failed attempts over more than a day end it, and not the endpoint', () => {
    const failure: AttemptOutcome = { kind: 'failed', reason: 'timeout' };
    const verdicts = Array.from({ length: 8 }, (_, failures) => judgeAttempt(failure, failures, 0.5));
    expect(verdicts.map((v) => (v.status === 'pending' ? v.retryAfterSeconds : v.status))).toEqual([
      5,
      300,
      1800,
      7200,
      18_000,
      36_000,
      36_000,
      'dead',
    ]);
    expect(verdicts.at(-1)).toEqual({ status: 'dead', disablesEndpoint: false });
    expect(retryDelaysSeconds.reduce((sum, delay) => sum + delay, 0)).toBeGreaterThan(86_400);
  });

  test('chance moves a retry by a tenth at most', () => {
    const waits = [0, 1].map((chance) => judgeAttempt(answered(500), 1, chance));
    expect(waits).toEqual([
      { status: 'pending', retryAfterSeconds: 270 },
      { status: 'pending', retryAfterSeconds: expect.closeTo(330) as number },
    ]);
  });
});

test('headers carry id, time of the attempt, and one signature for each secret', () => {
  const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const secrets = keys.map(webhookSecretOf);
  expect(secrets[0]?.reveal()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const headers = webhookHeaders(secrets, { id: 'id', at: new Date(1_700_000_000_999), body: '{}' });
  const signatures = keys.map(
    (key) => `v1,${createHmac('sha256', key).update('id.1700000000.{}').digest('base64')}`,
  );
  expect(headers).toEqual({
    'webhook-id': 'id',
    'webhook-timestamp': '1700000000',
    'webhook-signature': signatures.join(' '),
  });
});

test('an event whose account was deleted tells of nobody', () => {
  const facts: OutgoingEventFacts = {
    id: 'e',
    type: 'message.sent',
    occurredAt: new Date(0),
    sequence: '12',
    organizationId: 'o',
    accountId: null,
    messageId: 'm',
    channel: 'email',
    purpose: 'signup',
    method: null,
    reason: null,
    email: null,
    phone: null,
    accountStatus: null,
  };
  expect(outgoingPayload(facts)).toEqual({
    type: 'message.sent',
    timestamp: '1970-01-01T00:00:00.000Z',
    data: {
      sequence: 12,
      organizationId: 'o',
      account: null,
      message: { id: 'm' },
      channel: 'email',
      purpose: 'signup',
      method: null,
      reason: null,
    },
  });
});
