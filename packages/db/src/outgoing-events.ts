import { sql } from 'kysely';
import type { OutgoingEventFacts, OutgoingEventType } from '@reconfirm/core/outgoing/event';
import { testEventType } from '@reconfirm/core/outgoing/event';
import type { Database } from './database.ts';

/** Any number; the lock of everybody who numbers events. */
const numberingLock = 7_205_731_442;

/**
 * Numbers events that have none yet, in the order in which they were made, and gives each endpoint that
 * wants it a delivery of it. Returns how many. One at a time: while another process is at it, 0 at once.
 * Sequence numbers become visible in their order and without gaps.
 */
export const numberEvents = async (db: Database, limit: number): Promise<number> =>
  db.transaction().execute(async (tx) => {
    const { rows: locks } = await sql<{ locked: boolean }>`
      SELECT pg_try_advisory_xact_lock(${numberingLock}) AS locked`.execute(tx);
    if (locks[0]?.locked !== true) return 0;
    const { rows } = await sql<{ numbered: number }>`
      WITH fresh AS (
        SELECT id, organization_id, row_number() OVER (PARTITION BY organization_id ORDER BY position) AS place,
               count(*) OVER (PARTITION BY organization_id) AS size
          FROM (SELECT id, organization_id, position FROM outgoing_events
                 WHERE sequence IS NULL ORDER BY position LIMIT ${limit}) unnumbered),
      counted AS (
        INSERT INTO event_sequences (organization_id, last_sequence)
        SELECT organization_id, count(*) FROM fresh GROUP BY organization_id
        ON CONFLICT (organization_id)
          DO UPDATE SET last_sequence = event_sequences.last_sequence + excluded.last_sequence
        RETURNING organization_id, last_sequence),
      numbered AS (
        UPDATE outgoing_events e SET sequence = c.last_sequence - f.size + f.place
          FROM fresh f JOIN counted c ON c.organization_id = f.organization_id
         WHERE e.id = f.id
        RETURNING e.id, e.organization_id, e.type, e.only_endpoint_id),
      handed AS (
        INSERT INTO webhook_deliveries (endpoint_id, event_id)
        SELECT w.id, n.id FROM numbered n
          JOIN webhook_endpoints w ON w.organization_id = n.organization_id AND w.active
         WHERE CASE WHEN n.only_endpoint_id IS NULL
                    THEN cardinality(w.event_types) = 0 OR n.type = ANY (w.event_types)
                    ELSE n.only_endpoint_id = w.id END
        ON CONFLICT DO NOTHING)
      SELECT count(*)::int AS numbered FROM numbered`.execute(tx);
    return rows[0]?.numbered ?? 0;
  });

/** Columns of an event with what its account has now, for a statement that calls them `e` and `a`. */
export const eventFacts = sql`
  e.id, e.type, e.occurred_at AS "occurredAt", e.sequence::text AS sequence,
  e.organization_id AS "organizationId", coalesce(e.account_id, e.lapsed_account_id) AS "accountId", e.message_id AS "messageId",
  e.channel, e.purpose, e.method, e.reason, a.email, a.phone, a.status AS "accountStatus"`;

export interface EventFilter {
  readonly organizationId: string;
  /** Sequence number of the last one that the reader has. */
  readonly after: string;
  readonly types?: readonly OutgoingEventType[];
  readonly limit: number;
}

/** The feed: numbered events after a sequence number, oldest first. Test events are not in it. */
export const listOutgoingEvents = async (
  db: Database,
  filter: EventFilter,
): Promise<readonly OutgoingEventFacts[]> => {
  const { rows } = await sql<OutgoingEventFacts>`
    SELECT ${eventFacts} FROM outgoing_events e LEFT JOIN accounts a ON a.id = e.account_id
     WHERE e.organization_id = ${filter.organizationId} AND e.sequence > ${filter.after}::bigint
       AND e.only_endpoint_id IS NULL
       AND (${filter.types === undefined} OR e.type = ANY (${[...(filter.types ?? [])]}::text[]))
     ORDER BY e.sequence LIMIT ${filter.limit}`.execute(db);
  return rows;
};

/** Makes an event that goes to one endpoint only; undefined when there is no such endpoint. */
export const makeTestEvent = async (
  db: Database,
  organizationId: string,
  endpointId: string,
): Promise<string | undefined> => {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO outgoing_events (organization_id, type, only_endpoint_id)
    SELECT organization_id, ${testEventType}, id FROM webhook_endpoints
     WHERE id = ${endpointId} AND organization_id = ${organizationId}
    RETURNING id`.execute(db);
  return rows[0]?.id;
};
