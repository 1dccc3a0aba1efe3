import { sql } from 'kysely';
import type { AttemptOutcome, AttemptVerdict, DeliveryStatus } from '@reconfirm/core/outgoing/delivery';
import type { OutgoingEventFacts } from '@reconfirm/core/outgoing/event';
import type { Database } from './database.ts';
import { eventFacts } from './outgoing-events.ts';

/** One event on its way to one endpoint, in the hands of this worker until its lease runs out. */
export interface ClaimedDelivery {
  readonly deliveryId: string;
  readonly fence: number;
  readonly failures: number;
  readonly endpointId: string;
  readonly url: string;
  readonly sealed: Buffer;
  /** Of the secret before, while it signs too. */
  readonly previousSealed: Buffer | null;
  readonly event: OutgoingEventFacts;
}

export interface ClaimOptions {
  readonly limit: number;
  /** Of one endpoint that `slots` does not name. */
  readonly slotsOfEndpoint: number;
  /** Endpoints that have fewer free now. */
  readonly slots: Readonly<Record<string, number>>;
  readonly leaseSeconds: number;
}

type ClaimedRow = Omit<ClaimedDelivery, 'event'> & OutgoingEventFacts;

/**
 * Takes due deliveries, those of each endpoint by age and no more than its slots, so that one endpoint's
 * backlog takes no other's turn. Several workers may do this at once; what a dead one held is due again
 * when its lease is over.
 */
export const claimDeliveries = async (
  db: Database,
  options: ClaimOptions,
): Promise<readonly ClaimedDelivery[]> => {
  const { rows } = await sql<ClaimedRow>`
    WITH taken AS (
      SELECT d.id FROM (SELECT id FROM webhook_endpoints WHERE active ORDER BY random()) w
       CROSS JOIN LATERAL (
         SELECT id FROM webhook_deliveries
          WHERE endpoint_id = w.id AND status = 'pending' AND next_at <= now()
            AND (lease_until IS NULL OR lease_until < now())
          ORDER BY next_at
          LIMIT coalesce((${JSON.stringify(options.slots)}::jsonb ->> w.id::text)::int, ${options.slotsOfEndpoint}::int)
            FOR UPDATE SKIP LOCKED) d
       LIMIT ${options.limit}),
    claimed AS (
      UPDATE webhook_deliveries d
         SET fence = d.fence + 1, lease_until = now() + make_interval(secs => ${options.leaseSeconds})
        FROM taken WHERE d.id = taken.id
      RETURNING d.id, d.fence, d.failures, d.endpoint_id, d.event_id)
    SELECT c.id AS "deliveryId", c.fence, c.failures, c.endpoint_id AS "endpointId", w.url, w.secret_sealed AS sealed,
           CASE WHEN w.previous_secret_until > now() THEN w.previous_secret_sealed END AS "previousSealed",
           ${eventFacts}
      FROM claimed c
      JOIN webhook_endpoints w ON w.id = c.endpoint_id
      JOIN outgoing_events e ON e.id = c.event_id
      LEFT JOIN accounts a ON a.id = e.account_id`.execute(db);
  return rows.map(({ deliveryId, fence, failures, endpointId, url, sealed, previousSealed, ...event }) => ({
    deliveryId,
    fence,
    failures,
    endpointId,
    url,
    sealed,
    previousSealed,
    event,
  }));
};

export interface FinishedAttempt {
  readonly outcome: AttemptOutcome;
  readonly verdict: AttemptVerdict;
  readonly tookMs: number;
}

/**
 * Writes down what came of an attempt and what follows. Only the holder of the fence moves a delivery,
 * with one exception: `delivered` is evidence and is taken from a late holder too.
 */
export const recordDelivery = async (
  db: Database,
  { deliveryId, fence, endpointId }: Pick<ClaimedDelivery, 'deliveryId' | 'fence' | 'endpointId'>,
  { outcome, verdict, tookMs }: FinishedAttempt,
): Promise<void> => {
  const [statusCode, failure] = outcome.kind === 'answered' ? [outcome.status, null] : [null, outcome.reason];
  const retryAfterSeconds = verdict.status === 'pending' ? verdict.retryAfterSeconds : 0;
  await db.transaction().execute(async (tx) => {
    await sql`
      WITH known AS (
        UPDATE webhook_deliveries
           SET status = ${verdict.status}, lease_until = NULL,
               failures = failures + ${verdict.status === 'delivered' ? 0 : 1}::int,
               next_at = now() + make_interval(secs => ${retryAfterSeconds}),
               delivered_at = CASE WHEN ${verdict.status} = 'delivered' THEN now() END
         WHERE id = ${deliveryId} AND status = 'pending' AND (fence = ${fence} OR ${verdict.status} = 'delivered'))
      INSERT INTO webhook_attempts (delivery_id, number, took_ms, status_code, failure)
      SELECT id, ${fence}::int, ${Math.round(tookMs)}::int, ${statusCode}::int, ${failure}::text
        FROM webhook_deliveries WHERE id = ${deliveryId}
      ON CONFLICT DO NOTHING`.execute(tx);
    if (verdict.status === 'dead' && verdict.disablesEndpoint)
      await tx
        .updateTable('webhook_endpoints')
        .set({ active: false, disabled_reason: 'gone', updated_at: sql`now()` })
        .where('id', '=', endpointId)
        .execute();
  });
};

/** Gives deliveries back untouched (a stop of the worker): due at once, and no attempt was used up. */
export const giveBackDeliveries = async (
  db: Database,
  held: readonly Pick<ClaimedDelivery, 'deliveryId' | 'fence'>[],
): Promise<void> => {
  await sql`
    UPDATE webhook_deliveries d SET lease_until = NULL
      FROM unnest(${held.map((h) => h.deliveryId)}::bigint[], ${held.map((h) => h.fence)}::int[]) AS held (id, fence)
     WHERE d.id = held.id AND d.fence = held.fence AND d.status = 'pending'`.execute(db);
};

/** How long the oldest due delivery to an active endpoint has been waiting, in seconds; 0 when none waits. */
export const oldestDueDeliverySeconds = async (db: Database): Promise<number> => {
  const { rows } = await sql<{ seconds: number }>`
    SELECT coalesce(greatest(extract(epoch FROM now() - min(d.next_at)), 0), 0)::float8 AS seconds
      FROM webhook_endpoints w CROSS JOIN LATERAL (
        SELECT next_at FROM webhook_deliveries
         WHERE endpoint_id = w.id AND status = 'pending' AND next_at <= now() ORDER BY next_at LIMIT 1) d
     WHERE w.active`.execute(db);
  return rows[0]?.seconds ?? 0;
};

export interface DeliveryLogEntry {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly sequence: string;
  readonly status: DeliveryStatus;
  readonly failures: number;
  readonly nextAt: Date;
  readonly deliveredAt: Date | null;
  readonly attempts: readonly {
    readonly at: string;
    readonly tookMs: number;
    readonly statusCode: number | null;
    readonly failure: string | null;
  }[];
}

export interface DeliveryFilter {
  readonly endpointId: string;
  readonly status?: DeliveryStatus | undefined;
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

/** The deliveries of one endpoint with every attempt, newest first. */
export const listDeliveries = async (
  db: Database,
  filter: DeliveryFilter,
): Promise<readonly DeliveryLogEntry[]> => {
  const { rows } = await sql<DeliveryLogEntry>`
    SELECT d.id, d.event_id AS "eventId", e.type AS "eventType", e.sequence::text AS sequence, d.status, d.failures,
           d.next_at AS "nextAt", d.delivered_at AS "deliveredAt",
           coalesce((SELECT jsonb_agg(jsonb_build_object('at', t.attempted_at, 'tookMs', t.took_ms,
                             'statusCode', t.status_code, 'failure', t.failure) ORDER BY t.number)
                       FROM webhook_attempts t WHERE t.delivery_id = d.id), '[]') AS attempts
      FROM webhook_deliveries d JOIN outgoing_events e ON e.id = d.event_id
     WHERE d.endpoint_id = ${filter.endpointId}
       AND (${filter.status === undefined} OR d.status = ${filter.status ?? ''})
       AND (${filter.beforeId === undefined} OR d.id < ${filter.beforeId ?? '0'}::bigint)
     ORDER BY d.id DESC LIMIT ${filter.limit}`.execute(db);
  return rows;
};

/** What to send again: one event, those of a span of time, or all that were given up. */
export type ReplayChoice =
  | { readonly eventId: string }
  | { readonly from: Date; readonly to: Date }
  | { readonly status: 'dead' };

const replayMax = 10_000;

/**
 * Makes events due again for one endpoint, with a full set of attempts, also those that it never got
 * because it was not there yet. What is still pending is left alone. Returns how many, at most 10,000.
 */
export const replayDeliveries = async (
  db: Database,
  endpointId: string,
  choice: ReplayChoice,
): Promise<number> => {
  const chosen =
    'eventId' in choice
      ? sql`e.id = ${choice.eventId}`
      : 'status' in choice
        ? sql`EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = e.id AND d.endpoint_id = w.id AND d.status = 'dead')`
        : sql`e.occurred_at >= ${choice.from} AND e.occurred_at < ${choice.to}`;
  const { numAffectedRows } = await sql`
    INSERT INTO webhook_deliveries AS d (endpoint_id, event_id)
    SELECT w.id, e.id FROM webhook_endpoints w
      JOIN outgoing_events e ON e.organization_id = w.organization_id AND e.sequence IS NOT NULL
       AND (e.only_endpoint_id IS NULL OR e.only_endpoint_id = w.id)
     WHERE w.id = ${endpointId} AND ${chosen}
       AND (cardinality(w.event_types) = 0 OR e.type = ANY (w.event_types) OR e.only_endpoint_id = w.id)
     ORDER BY e.sequence LIMIT ${replayMax}
    ON CONFLICT (endpoint_id, event_id) DO UPDATE
      SET status = 'pending', failures = 0, next_at = now(), lease_until = NULL, delivered_at = NULL
      WHERE d.status <> 'pending'`.execute(db);
  return Number(numAffectedRows ?? 0n);
};
