import { sql } from 'kysely';
import type { DeliveryEvent } from '@reconfirm/core/delivery-event';
import type { Database } from './database.ts';
import { named } from './named-statements.ts';

/** A provider's report together with what proves that it came once. */
export interface IncomingEvent {
  readonly provider: string;
  readonly event: DeliveryEvent;
  /** Missing where the event's id alone tells; a request that has one holds one event. */
  readonly replayKey?: Uint8Array | undefined;
  readonly bodyHash: Uint8Array;
}

/**
 * `applied`: counted (its message may have moved). `stored`: to be applied afterwards. `parked`: its message is not
 * known yet. `repeated`: seen before. `replayed`: a used signature over another body.
 */
export type EventOutcome = 'applied' | 'stored' | 'parked' | 'repeated' | 'replayed';

/** A report that was not there before. */
export interface NewReport {
  readonly id: string;
  /** Its message, where it is applied now. */
  readonly message: string | null;
  readonly event: DeliveryEvent;
}

type InsertedRow = Pick<NewReport, 'id' | 'message'>;

/**
 * Writes reports, each once, in the transaction of the caller, who applies those that are new: in it where it
 * `appliesNow`, else afterwards. Outcomes and new reports stand in the order of the reports.
 */
export const writeReports = async (
  tx: Database,
  incoming: readonly IncomingEvent[],
  appliesNow: boolean,
): Promise<{ readonly outcomes: readonly EventOutcome[]; readonly fresh: readonly NewReport[] }> => {
  const places = firstPlacesOf(incoming);
  const inserted = await insertEvents(
    tx,
    incoming.filter((_, place) => places.has(place)),
    appliesNow,
  );
  const rows = incoming.map((one, place) => (places.has(place) ? inserted.get(keyOf(one)) : undefined));
  const replayed = await findReplayed(
    tx,
    incoming.filter((_, place) => rows[place] === undefined),
  );
  const outcomes = incoming.map((one, place): EventOutcome => {
    const row = rows[place];
    if (row === undefined) return replayed.has(one) ? 'replayed' : 'repeated';
    if (!appliesNow) return 'stored';
    return row.message === null ? 'parked' : 'applied';
  });
  const fresh = incoming.flatMap(({ event }, place): NewReport[] => {
    const row = rows[place];
    return row === undefined ? [] : [{ ...row, event }];
  });
  return { outcomes, fresh };
};

/** Of several with the same id, or the same signature, in one batch the first counts. */
const firstPlacesOf = (incoming: readonly IncomingEvent[]): ReadonlySet<number> => {
  const places = new Set<number>();
  const seen = new Set<string>();
  for (const [place, one] of incoming.entries()) {
    const signature = bytesOrNull(one.replayKey)?.toString('hex');
    const names = [keyOf(one), ...(signature === undefined ? [] : [`signed ${one.provider} ${signature}`])];
    if (names.some((name) => seen.has(name))) continue;
    for (const name of names) seen.add(name);
    places.add(place);
  }
  return places;
};

const keyOf = ({ provider, event }: IncomingEvent): string => `${provider} ${event.eventId}`;

/**
 * Writes the reports that are new and returns them by their keys. In the order of their keys, so that two copies of
 * a batch wait for each other and not in a circle.
 */
const insertEvents = async (
  tx: Database,
  incoming: readonly IncomingEvent[],
  appliesNow: boolean,
): Promise<ReadonlyMap<string, InsertedRow>> => {
  const sorted = incoming.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const of = <T>(value: (event: DeliveryEvent) => T): T[] => sorted.map(({ event }) => value(event));
  const { rows } = await sql<InsertedRow & { readonly key: string }>`
    ${named('store_delivery_events')}
    INSERT INTO delivery_events (provider, event_id, replay_key, body_hash, message_id, provider_message_id,
                                 type, bounce, reason, occurred_at, applied_at)
    SELECT r.provider, r.event_id, r.replay_key, r.body_hash, coalesce(found.id, r.message_id),
           r.provider_message_id, r.type, r.bounce, r.reason, r.occurred_at,
           CASE WHEN ${appliesNow}::boolean AND found.id IS NOT NULL THEN now() END
      FROM unnest(
        ${sorted.map(({ provider }) => provider)}::text[], ${of(({ eventId }) => eventId)}::text[],
        ${sorted.map(({ replayKey }) => bytesOrNull(replayKey))}::bytea[],
        ${sorted.map(({ bodyHash }) => bytesOrNull(bodyHash))}::bytea[],
        ${of(({ messageId }) => messageId ?? null)}::uuid[], ${of((event) => event.providerMessageId ?? null)}::text[],
        ${of(({ type }) => type)}::text[], ${of(({ bounce }) => bounce ?? null)}::text[],
        ${of(({ reason }) => reason ?? null)}::text[], ${of(({ occurredAt }) => occurredAt.toISOString())}::timestamptz[]
      ) AS r (provider, event_id, replay_key, body_hash, message_id, provider_message_id, type, bounce, reason, occurred_at)
      LEFT JOIN LATERAL (${messageOf}) found ON true
    ON CONFLICT DO NOTHING
    RETURNING provider || ' ' || event_id AS key, id, CASE WHEN applied_at IS NOT NULL THEN message_id END AS message`.execute(
    tx,
  );
  return new Map(rows.map(({ key, ...row }) => [key, row]));
};

const bytesOrNull = (bytes: Uint8Array | undefined): Buffer | null =>
  bytes === undefined ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The message of a report `r`: two look-ups by an index, however many reports and messages there are. */
export const messageOf = sql`
  (SELECT m.id FROM messages m WHERE m.id = r.message_id)
  UNION ALL
  (SELECT m.id FROM messages m WHERE r.message_id IS NULL AND m.provider_message_id = r.provider_message_id)
  LIMIT 1`;

/**
 * Those whose signature was used before over another body: forgeries. Everything else that was seen before is a retry.
 */
const findReplayed = async (
  tx: Database,
  repeated: readonly IncomingEvent[],
): Promise<ReadonlySet<IncomingEvent>> => {
  const signed = repeated.filter(({ replayKey }) => replayKey !== undefined);
  if (signed.length === 0) return new Set();
  const { rows } = await sql<{ readonly place: number }>`
    ${named('find_replayed')}
    SELECT r.place FROM unnest(
        ${signed.map((_, place) => place)}::int[], ${signed.map(({ provider }) => provider)}::text[],
        ${signed.map(({ replayKey }) => bytesOrNull(replayKey))}::bytea[],
        ${signed.map(({ bodyHash }) => bytesOrNull(bodyHash))}::bytea[]
      ) AS r (place, provider, replay_key, body_hash)
     CROSS JOIN LATERAL (
       SELECT FROM delivery_events e
        WHERE e.provider = r.provider AND e.replay_key = r.replay_key AND e.body_hash <> r.body_hash LIMIT 1) used`.execute(
    tx,
  );
  return new Set(rows.flatMap(({ place }) => signed[place] ?? []));
};
