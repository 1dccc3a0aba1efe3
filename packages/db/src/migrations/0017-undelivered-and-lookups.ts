import { type Kysely, sql } from 'kysely';

/** The same table as messageRanks in packages/core/src/message.ts; a test holds them together. */
const rankOfStatus = `CASE status
       WHEN 'queued' THEN 0 WHEN 'sending' THEN 10 WHEN 'deferred' THEN 10
       WHEN 'gave_up' THEN 40 WHEN 'skipped' THEN 45
       WHEN 'sent' THEN 50 WHEN 'undelivered' THEN 55 WHEN 'delivered' THEN 60
       WHEN 'bounced' THEN 70 WHEN 'complained' THEN 80
     END`;

/**
 * A status between `sent` and `delivered` (ADR 13), and what is known of asking providers. Additive: a
 * process of the version before goes on working. No row is rewritten: the rank stops being generated, and
 * the trigger that reads it at every change of a status fills it in.
 */
const statements = [
  `CREATE OR REPLACE FUNCTION status_rank(status text) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
     SELECT (${rankOfStatus})::smallint
   $$`,
  `ALTER TABLE messages ALTER COLUMN rank DROP EXPRESSION`,
  // Of 'queued', which every request is accepted with: an INSERT then calls no function.
  `ALTER TABLE messages ALTER COLUMN rank SET DEFAULT 0`,
  // A status without a rank cannot be stored: the rank is not null.
  `CREATE OR REPLACE FUNCTION refuse_status_regress() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     NEW.rank := status_rank(NEW.status);
     IF TG_OP = 'UPDATE' AND NEW.rank < status_rank(OLD.status) THEN
       RAISE EXCEPTION 'message % may not go back from % to %', OLD.id, OLD.status, NEW.status
         USING ERRCODE = 'check_violation';
     END IF;
     RETURN NEW;
   END $$`,
  `DROP TRIGGER messages_only_move_forward ON messages`,
  `CREATE TRIGGER messages_only_move_forward BEFORE UPDATE OF status, rank ON messages
     FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.rank IS DISTINCT FROM NEW.rank)
     EXECUTE FUNCTION refuse_status_regress()`,
  `CREATE TRIGGER messages_begin_with_their_rank BEFORE INSERT ON messages
     FOR EACH ROW WHEN (NEW.status <> 'queued' OR NEW.rank <> 0) EXECUTE FUNCTION refuse_status_regress()`,
  `CREATE INDEX messages_gone_wrong_or_undelivered ON messages (status, id)
     WHERE status IN ('gave_up', 'undelivered', 'bounced', 'complained')`,
  `DROP INDEX messages_gone_wrong`,
  `ALTER INDEX messages_gone_wrong_or_undelivered RENAME TO messages_gone_wrong`,

  // When the provider may be asked (again) what became of it; null: it was not asked yet, infinity: never again.
  `ALTER TABLE messages ADD COLUMN ask_at timestamptz`,
  // Both hold what nothing was reported of: a message leaves them with its first report of a delivery or a failure.
  `CREATE INDEX messages_never_asked ON messages (provider, sent_at) WHERE status = 'sent' AND ask_at IS NULL`,
  `CREATE INDEX messages_asked ON messages (provider, ask_at) WHERE status = 'sent' AND ask_at IS NOT NULL`,
  // The answer to the hand-over was lost, and the next attempt waits.
  `CREATE INDEX messages_in_doubt ON messages (provider, next_at)
     WHERE status = 'deferred' AND reason IN ('timeout', 'connection_lost', 'aborted', 'protocol', 'unknown')`,

  `CREATE TABLE lookups (
     message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
     asked_at timestamptz NOT NULL,
     provider text NOT NULL,
     -- Null while the answer is awaited, and when the worker died meanwhile.
     outcome text CHECK (outcome IN ('found', 'nothing_new', 'unaskable', 'unclear')),
     PRIMARY KEY (message_id, asked_at)
   )`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
