import { sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import type { AttemptVerdict } from '@reconfirm/core/outgoing/delivery';
import { numberEvents } from '../src/outgoing-events.ts';
import { forgetExpired } from '../src/retention.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import {
  claimDeliveries,
  type ClaimedDelivery,
  type ClaimOptions,
  giveBackDeliveries,
  listDeliveries,
  oldestDueDeliverySeconds,
  recordDelivery,
  replayDeliveries,
} from '../src/webhook-deliveries.ts';
import {
  changeWebhookEndpoint,
  deleteWebhookEndpoint,
  forgetPreviousSecrets,
  rotateWebhookSecret,
} from '../src/webhook-endpoints.ts';
import { openTestDatabase } from './support/database.ts';
import { explain } from './support/explain.ts';
import { createEndpoint, makeEvents } from './support/outgoing.ts';
import { createAccount } from './support/rows.ts';

const db = await openTestDatabase(12);

beforeEach(async () => {
  await sql`TRUNCATE webhook_endpoints, outgoing_events, accounts CASCADE`.execute(db);
});

const claim = (options: Partial<ClaimOptions> = {}): Promise<readonly ClaimedDelivery[]> =>
  claimDeliveries(db, { limit: 100, slotsOfEndpoint: 4, slots: {}, leaseSeconds: 30, ...options });

/** Makes events and numbers them, so that each endpoint has that many deliveries. */
const deliveries = async (count: number): Promise<void> => {
  await makeEvents(db, (await createAccount(db)).id, count);
  while ((await numberEvents(db, 1000)) > 0);
};

const only = (claimed: readonly ClaimedDelivery[]): ClaimedDelivery => {
  const [first] = claimed;
  if (first === undefined || claimed.length > 1) throw new Error(`${claimed.length} claimed`);
  return first;
};

const delivered: AttemptVerdict = { status: 'delivered' };
const again = (retryAfterSeconds: number): AttemptVerdict => ({ status: 'pending', retryAfterSeconds });
const record = (delivery: ClaimedDelivery, verdict: AttemptVerdict, status = 500): Promise<void> =>
  recordDelivery(db, delivery, { outcome: { kind: 'answered', status }, verdict, tookMs: 12.6 });

const logOf = (endpointId: string) => listDeliveries(db, { endpointId, limit: 1000 });

describe('claiming', () => {
  test('gives each delivery to one of many workers, and no endpoint more than its slots', async () => {
    const [busy, failing, idle] = [
      await createEndpoint(db),
      await createEndpoint(db),
      await createEndpoint(db),
    ];
    await deliveries(20);
    const slots = { [failing.id]: 1, [idle.id]: 0 };
    const claims = await Promise.all(Array.from({ length: 3 }, () => claim({ slots })));
    for (const claimed of claims) {
      const of = (id: string): number => claimed.filter(({ endpointId }) => endpointId === id).length;
      expect([of(busy.id), of(failing.id), of(idle.id)]).toEqual([4, 1, 0]);
    }
    const ids = claims.flat().map(({ deliveryId }) => deliveryId);
    expect(new Set(ids).size).toBe(15);
  });

  test('takes the oldest first, no more than the limit, and nothing that is not due or whose endpoint is off', async () => {
    const endpoint = await createEndpoint(db);
    await deliveries(3);
    const first = only(await claim({ limit: 1 }));
    expect(first).toMatchObject({ fence: 1, failures: 0, url: endpoint.url, previousSealed: null });
    expect(first.event).toMatchObject({
      type: 'verification.completed',
      email: expect.any(String) as string,
    });
    await record(first, again(300));
    expect(await claim()).toHaveLength(2);
    await changeWebhookEndpoint(db, defaultOrganizationId, endpoint.id, { active: false });
    await sql`UPDATE webhook_deliveries SET next_at = now() - interval '1 hour', lease_until = NULL`.execute(
      db,
    );
    expect(await claim()).toEqual([]);
    expect(await oldestDueDeliverySeconds(db)).toBe(0);
    await changeWebhookEndpoint(db, defaultOrganizationId, endpoint.id, { active: true });
    expect(await oldestDueDeliverySeconds(db)).toBeGreaterThan(3500);
  });

  test('takes over from a dead worker when its lease is over, and the late one can only say "delivered"', async () => {
    const endpoint = await createEndpoint(db);
    await deliveries(1);
    const late = only(await claim());
    expect(await claim()).toEqual([]);
    await sql`UPDATE webhook_deliveries SET lease_until = now() - interval '1 second'`.execute(db);
    const heir = only(await claim());
    expect(heir.fence).toBe(late.fence + 1);
    await record(late, { status: 'dead', disablesEndpoint: false });
    expect(await logOf(endpoint.id)).toMatchObject([{ status: 'pending' }]);
    await record(late, delivered, 204);
    expect(await logOf(endpoint.id)).toMatchObject([{ status: 'delivered' }]);
    await record(heir, again(5));
    expect(await logOf(endpoint.id)).toMatchObject([
      { status: 'delivered', deliveredAt: expect.any(Date) as Date },
    ]);
  });

  test('what is given back is due at once and has used up no attempt', async () => {
    await createEndpoint(db);
    await deliveries(1);
    const held = only(await claim());
    await giveBackDeliveries(db, [held]);
    expect(only(await claim())).toMatchObject({ deliveryId: held.deliveryId, failures: 0 });
  });
});

describe('recording', () => {
  test('keeps every attempt with its time, answer and failure, and counts failures', async () => {
    const endpoint = await createEndpoint(db);
    await deliveries(1);
    const first = only(await claim());
    await record(first, again(0));
    const second = only(await claim());
    await recordDelivery(db, second, {
      outcome: { kind: 'failed', reason: 'timeout' },
      verdict: again(0),
      tookMs: 10_000,
    });
    const third = only(await claim());
    expect(third.failures).toBe(2);
    await record(third, delivered, 200);
    const [entry] = await logOf(endpoint.id);
    expect(entry?.attempts).toMatchObject([
      { statusCode: 500, failure: null, tookMs: 13 },
      { statusCode: null, failure: 'timeout', tookMs: 10_000 },
      { statusCode: 200, failure: null },
    ]);
  });

  test('of a 410 switches the endpoint off and says why', async () => {
    const endpoint = await createEndpoint(db);
    await deliveries(2);
    const [first] = await claim();
    if (first === undefined) throw new Error('nothing was claimed');
    await record(first, { status: 'dead', disablesEndpoint: true }, 410);
    const row = await db
      .selectFrom('webhook_endpoints')
      .select(['active', 'disabled_reason'])
      .where('id', '=', endpoint.id)
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ active: false, disabled_reason: 'gone' });
  });
});

describe('replaying', () => {
  test('makes what was delivered or given up due again with a full set of attempts, and nothing that is pending', async () => {
    const endpoint = await createEndpoint(db);
    await deliveries(3);
    const [one, two] = await claim();
    if (one === undefined || two === undefined) throw new Error('two were to be claimed');
    await record(one, delivered, 200);
    await record(two, { status: 'dead', disablesEndpoint: false });
    expect(await replayDeliveries(db, endpoint.id, { status: 'dead' })).toBe(1);
    expect(await replayDeliveries(db, endpoint.id, { eventId: one.event.id })).toBe(1);
    const span = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 3_600_000) };
    expect(await replayDeliveries(db, endpoint.id, span)).toBe(0);
    expect((await logOf(endpoint.id)).map(({ status, failures }) => [status, failures])).toEqual([
      ['pending', 0],
      ['pending', 0],
      ['pending', 0],
    ]);
  });

  test('a span of time also reaches an endpoint that came later, and only the types that it wants', async () => {
    await deliveries(4);
    const later = await createEndpoint(db);
    const picky = await createEndpoint(db, ['message.failed']);
    const span = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 3_600_000) };
    expect(await replayDeliveries(db, later.id, span)).toBe(4);
    expect(await replayDeliveries(db, picky.id, span)).toBe(0);
    expect(await replayDeliveries(db, later.id, { from: new Date(0), to: new Date(1) })).toBe(0);
  });
});

describe('secrets', () => {
  test('the one before is given out until its time is over, and is forgotten then', async () => {
    const endpoint = await createEndpoint(db);
    await deliveries(2);
    const sealed = Buffer.alloc(48, 2);
    await rotateWebhookSecret(db, defaultOrganizationId, endpoint.id, { sealed, overlapSeconds: 60 });
    const [during] = await claim({ limit: 1 });
    expect([during?.sealed, during?.previousSealed]).toEqual([sealed, Buffer.alloc(48, 1)]);
    await sql`UPDATE webhook_endpoints SET previous_secret_until = now() - interval '1 second'`.execute(db);
    const [after] = await claim({ limit: 1 });
    expect(after?.previousSealed).toBeNull();
    await forgetPreviousSecrets(db);
    const rows = await db.selectFrom('webhook_endpoints').select('previous_secret_sealed').execute();
    expect(rows).toEqual([{ previous_secret_sealed: null }]);
  });
});

describe('forgetting', () => {
  test('takes events past their time with their deliveries and attempts, and deleting an endpoint leaves the events', async () => {
    const endpoint = await createEndpoint(db);
    await deliveries(3);
    for (const claimed of await claim()) await record(claimed, delivered, 200);
    await sql`UPDATE outgoing_events SET occurred_at = now() - interval '31 days'
               WHERE id IN (SELECT id FROM outgoing_events LIMIT 2)`.execute(db);
    await forgetExpired.outgoingEvents(db, 30);
    const left = async (): Promise<readonly number[]> => {
      const { rows } = await sql<{ events: number; deliveries: number; attempts: number }>`
        SELECT (SELECT count(*) FROM outgoing_events)::int AS events,
               (SELECT count(*) FROM webhook_deliveries)::int AS deliveries,
               (SELECT count(*) FROM webhook_attempts)::int AS attempts`.execute(db);
      return rows.flatMap((row) => [row.events, row.deliveries, row.attempts]);
    };
    expect(await left()).toEqual([1, 1, 1]);
    expect(await deleteWebhookEndpoint(db, defaultOrganizationId, endpoint.id)).toBe(true);
    expect(await left()).toEqual([1, 0, 0]);
  });
});

describe('with 50,000 events that were delivered', { timeout: 60_000 }, () => {
  test.each([
    ['claiming', 'webhook_deliveries_due', () => claimAs],
    ['the oldest due', 'webhook_deliveries_due', () => oldestDueDeliverySeconds],
    [
      'forgetting events',
      'outgoing_events_occurred',
      () => (on: typeof db) => forgetExpired.outgoingEvents(on, 30),
    ],
    [
      'forgetting captcha answers',
      'captcha_answers_accepted',
      () => (on: typeof db) => forgetExpired.captchaAnswers(on, 30),
    ],
  ] as const)('%s goes by the index %s and reads no table from end to end', async (_, index, run) => {
    await createEndpoint(db);
    await sql`
      INSERT INTO outgoing_events (organization_id, type, occurred_at)
      SELECT ${defaultOrganizationId}, 'message.sent', now() - random() * interval '20 days' FROM generate_series(1, 50000)`.execute(
      db,
    );
    await sql`
      INSERT INTO webhook_deliveries (endpoint_id, event_id, status, delivered_at)
      SELECT w.id, e.id, 'delivered', now() FROM webhook_endpoints w, outgoing_events e`.execute(db);
    await sql`
      INSERT INTO captcha_answers (answer_hash, request_id, accepted_at)
      SELECT sha256(convert_to(n::text, 'UTF8')), gen_random_uuid(), now() - random() * interval '50 minutes'
        FROM generate_series(1, 50000) n ON CONFLICT DO NOTHING`.execute(db);
    await sql`ANALYZE`.execute(db);
    const plan = await explain(db, run());
    expect(plan).toContain(index);
    expect(plan).not.toMatch(/Seq Scan on (webhook_deliveries|outgoing_events|captcha_answers)/);
  });
});

const claimAs = (on: typeof db): Promise<unknown> =>
  claimDeliveries(on, { limit: 32, slotsOfEndpoint: 4, slots: {}, leaseSeconds: 30 });
