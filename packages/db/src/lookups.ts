import { sql } from 'kysely';
import { lookupAgesSeconds, type LookupOutcome } from '@reconfirm/core/lookup';
import type { Database } from './database.ts';

/** A message that a worker is to ask its provider about, now. */
export interface ClaimedLookup {
  readonly messageId: string;
  readonly organizationId: string;
  /** When it was claimed: names the question. */
  readonly askedAt: Date;
  /** What the provider calls the message, by its reports or its answer to the hand-over. */
  readonly providerMessageId: string | null;
}

/** A message that is older than this is not asked about for the first time: providers keep events for days. */
const firstWithinDays = 2;
/**
 * A message whose hand-over got no answer is asked about this long before its next attempt: late enough for
 * the provider to know of it, and with time left to ask.
 */
const doubt = { earliestSeconds: 25, latestSeconds: 5 } as const;

/** As fine as a Date is: the question is found by it again. */
const toTheMs = sql`date_trunc('milliseconds', now())`;

/**
 * The message of a provider that is most in need of being asked about, marked as asked; null when none is.
 * First one whose hand-over got no answer, once before its next attempt; then those that are `sent` and that
 * nothing was reported of, once at each age. Several workers may do this at once: each gets another one.
 */
export const claimLookup = async (
  db: Database,
  { provider, afterSeconds }: { readonly provider: string; readonly afterSeconds: number },
): Promise<ClaimedLookup | null> => {
  const { rows } = await sql<ClaimedLookup>`
    WITH doubtful AS (
      SELECT m.id, 0 AS turn FROM messages m
       WHERE m.provider = ${provider} AND m.status = 'deferred'
         AND m.reason IN ('timeout', 'connection_lost', 'aborted', 'protocol', 'unknown')
         AND m.next_at > now() + make_interval(secs => ${doubt.latestSeconds})
         AND m.next_at < now() + make_interval(secs => ${doubt.earliestSeconds})
         AND m.ask_at IS DISTINCT FROM m.next_at AND m.lease_until IS NULL
         AND EXISTS (SELECT FROM attempts a WHERE a.message_id = m.id AND a.number = m.attempt AND a.result = 'ambiguous')
       ORDER BY m.next_at LIMIT 1 FOR NO KEY UPDATE OF m SKIP LOCKED),
    never_asked AS (
      SELECT id, 1 AS turn FROM messages
       WHERE provider = ${provider} AND status = 'sent' AND ask_at IS NULL
         AND sent_at <= now() - make_interval(secs => ${afterSeconds})
         AND sent_at > now() - make_interval(days => ${firstWithinDays})
       ORDER BY sent_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED),
    asked AS (
      SELECT id, 2 AS turn FROM messages
       WHERE provider = ${provider} AND status = 'sent' AND ask_at IS NOT NULL AND ask_at <= now()
         AND sent_at <= now() - make_interval(secs => ${afterSeconds})
       ORDER BY ask_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED),
    chosen AS (
      SELECT id FROM (TABLE doubtful UNION ALL TABLE never_asked UNION ALL TABLE asked) found ORDER BY turn LIMIT 1),
    marked AS (
      UPDATE messages m
         SET ask_at = CASE WHEN m.status = 'deferred' THEN m.next_at ELSE coalesce(
               (SELECT min(m.sent_at + make_interval(secs => age)) FROM unnest(${[...lookupAgesSeconds]}::float8[]) age
                 WHERE age > ${afterSeconds} AND m.sent_at + make_interval(secs => age) > now() + interval '1 minute'),
               'infinity') END
        FROM chosen WHERE m.id = chosen.id
      RETURNING m.id, m.organization_id, m.provider_message_id),
    noted AS (
      INSERT INTO lookups (message_id, asked_at, provider) SELECT id, ${toTheMs}, ${provider} FROM marked)
    SELECT id AS "messageId", organization_id AS "organizationId", ${toTheMs} AS "askedAt",
           coalesce((SELECT e.provider_message_id FROM delivery_events e
                      WHERE e.message_id = marked.id AND e.provider = ${provider} AND e.provider_message_id IS NOT NULL
                      ORDER BY e.id DESC LIMIT 1), provider_message_id) AS "providerMessageId"
      FROM marked`.execute(db);
  return rows[0] ?? null;
};

/** Notes what came of a question. */
export const finishLookup = async (
  db: Database,
  { messageId, askedAt }: ClaimedLookup,
  outcome: LookupOutcome,
): Promise<void> => {
  await db
    .updateTable('lookups')
    .set({ outcome })
    .where('message_id', '=', messageId)
    .where('asked_at', '=', askedAt)
    .execute();
};

/**
 * Takes a question back that the provider did not hear, or would not answer anybody: it is not held against
 * the message, which is asked about again after `afterSeconds`. One that waits for its next attempt is not.
 */
export const giveBackLookup = async (
  db: Database,
  { messageId, askedAt }: ClaimedLookup,
  afterSeconds: number,
): Promise<void> => {
  await sql`
    WITH forgotten AS (DELETE FROM lookups WHERE message_id = ${messageId} AND asked_at = ${askedAt})
    UPDATE messages SET ask_at = now() + make_interval(secs => ${afterSeconds})
     WHERE id = ${messageId} AND status = 'sent'`.execute(db);
};
