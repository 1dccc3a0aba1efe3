import { type Kysely, sql } from 'kysely';

/** The same table as messageRanks in packages/core/src/message.ts; a test holds them together. */
const rankOfStatus = `CASE status
       WHEN 'queued' THEN 0 WHEN 'sending' THEN 10 WHEN 'deferred' THEN 10
       WHEN 'gave_up' THEN 40 WHEN 'skipped' THEN 45
       WHEN 'sent' THEN 50 WHEN 'delivered' THEN 60 WHEN 'bounced' THEN 70 WHEN 'complained' THEN 80
     END`;

/**
 * Plain DDL: the tables are the contract, and everything that must always hold is a constraint here.
 * Hashes are 32 bytes, ids come from the application (UUIDv7; Postgres 15 to 17 have no uuidv7()).
 */
const statements = [
  `CREATE TABLE organizations (
     id uuid PRIMARY KEY,
     name text NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now()
   )`,
  // The one organization of an installation that has not made others.
  `INSERT INTO organizations (id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default')`,

  `CREATE TABLE accounts (
     id uuid PRIMARY KEY,
     organization_id uuid NOT NULL REFERENCES organizations (id),
     email text NOT NULL CHECK (octet_length(email) BETWEEN 3 AND 254),
     email_key bytea NOT NULL CHECK (octet_length(email_key) = 32),
     name text,
     locale text,
     redirect_url text,
     status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'active', 'suspended', 'past_due')),
     verified_at timestamptz,
     verification_email_status text
       CHECK (verification_email_status IN ('SENT', 'DELIVERED', 'FAILED', 'COMPLAINED')),
     -- Order of the message that verification_email_status speaks of; an older one may not write it.
     verification_message_seq bigint,
     created_at timestamptz NOT NULL DEFAULT now(),
     UNIQUE (organization_id, email_key)
   )`,

  `CREATE TABLE account_events (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
     type text NOT NULL,
     detail jsonb NOT NULL DEFAULT '{}',
     created_at timestamptz NOT NULL DEFAULT now()
   )`,
  `CREATE INDEX account_events_account ON account_events (account_id, id)`,

  `CREATE TABLE api_keys (
     id uuid PRIMARY KEY,
     account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
     secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
     created_at timestamptz NOT NULL DEFAULT now(),
     revoked_at timestamptz
   )`,
  `CREATE INDEX api_keys_account ON api_keys (account_id)`,

  `CREATE FUNCTION status_rank(status text) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
     SELECT (${rankOfStatus})::smallint
   $$`,

  // No address stands here: only keyed hashes of it. Nor a token: only what it is derived from.
  `CREATE TABLE messages (
     id uuid PRIMARY KEY,
     -- What "newer" means: drawn by the database at INSERT, never a host's clock.
     seq bigint GENERATED ALWAYS AS IDENTITY,
     -- No foreign key: the check would lock the one row of the organization for every request.
     organization_id uuid NOT NULL,
     subject_key bytea NOT NULL CHECK (octet_length(subject_key) = 32),
     address_key bytea NOT NULL CHECK (octet_length(address_key) = 32),
     limit_key bytea NOT NULL CHECK (octet_length(limit_key) = 32),
     ip_key bytea NOT NULL CHECK (octet_length(ip_key) = 32),
     purpose text NOT NULL,
     channel text NOT NULL,
     contract text NOT NULL,
     locale text,
     redirect_url text,
     idempotency_key bytea CHECK (octet_length(idempotency_key) = 32),
     request_hash bytea CHECK (octet_length(request_hash) = 32),
     account_id uuid REFERENCES accounts (id) ON DELETE SET NULL,
     -- A status without a rank cannot be stored: the rank is not null.
     status text NOT NULL DEFAULT 'queued',
     -- Spelled out, because every statement that writes here would parse and inline a function again:
     -- 80 us a statement with its use in the checks below, as much as four rows cost.
     rank smallint NOT NULL GENERATED ALWAYS AS (${rankOfStatus}) STORED,
     reason text,
     -- The fence: raised by every claim and every reclaimed lease; a stale holder no longer matches it.
     attempt integer NOT NULL DEFAULT 0,
     failures integer NOT NULL DEFAULT 0,
     lost_leases integer NOT NULL DEFAULT 0,
     next_at timestamptz NOT NULL DEFAULT now(),
     lease_until timestamptz,
     rung_at timestamptz,
     provider text,
     provider_message_id text,
     accepted_at timestamptz NOT NULL DEFAULT now(),
     sent_at timestamptz,
     settled_at timestamptz,
     CONSTRAINT settled_exactly_in_settled_states CHECK ((settled_at IS NOT NULL) = (rank >= 40)),
     CONSTRAINT settled_messages_hold_no_lease CHECK (settled_at IS NULL OR lease_until IS NULL)
   ) WITH (fillfactor = 80)`,
  `CREATE INDEX messages_subject ON messages (subject_key, seq)`,
  `CREATE INDEX messages_limit ON messages (limit_key, accepted_at)`,
  `CREATE INDEX messages_ip ON messages (ip_key, accepted_at)`,
  `CREATE UNIQUE INDEX messages_idempotency ON messages (idempotency_key) WHERE idempotency_key IS NOT NULL`,
  `CREATE INDEX messages_provider_id ON messages (provider_message_id) WHERE provider_message_id IS NOT NULL`,
  // What the sweep reads. The claim must never match this predicate: with statistics from a quiet
  // hour the planner would walk the whole backlog for each batch instead of the primary key.
  `CREATE INDEX messages_due ON messages (next_at) WHERE settled_at IS NULL`,
  // Only what is in a worker's hands: without it, looking for dead workers would read the whole backlog.
  `CREATE INDEX messages_lease ON messages (lease_until) WHERE lease_until IS NOT NULL`,
  // An operator's questions, and erasing an account.
  `CREATE INDEX messages_account ON messages (account_id, id) WHERE account_id IS NOT NULL`,
  `CREATE INDEX messages_gone_wrong ON messages (status, id) WHERE status IN ('gave_up', 'bounced', 'complained')`,
  // What retention looks for: each finds nothing at the cost of nothing, and none is written to when a
  // request is accepted.
  `CREATE INDEX messages_settled ON messages (accepted_at) WHERE settled_at IS NOT NULL`,
  `CREATE INDEX messages_unknown ON messages (accepted_at) WHERE reason IN ('unknown_account', 'notice_unknown_account')`,
  `CREATE INDEX messages_idempotent ON messages (accepted_at) WHERE idempotency_key IS NOT NULL`,

  `CREATE FUNCTION refuse_status_regress() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF status_rank(NEW.status) < status_rank(OLD.status) THEN
       RAISE EXCEPTION 'message % may not go back from % to %', OLD.id, OLD.status, NEW.status
         USING ERRCODE = 'check_violation';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER messages_only_move_forward BEFORE UPDATE OF status ON messages
     FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION refuse_status_regress()`,

  `CREATE TABLE verifications (
     message_id uuid PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
     account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
     token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
     -- Forgotten when the message is settled: from then on not even the key's holder can make the token again.
     nonce bytea CHECK (octet_length(nonce) = 16),
     key_version integer NOT NULL CHECK (key_version > 0),
     ttl_seconds integer NOT NULL CHECK (ttl_seconds > 0),
     expires_at timestamptz NOT NULL,
     consumed_at timestamptz,
     created_at timestamptz NOT NULL DEFAULT now()
   )`,
  `CREATE INDEX verifications_account ON verifications (account_id)`,

  `CREATE TABLE attempts (
     message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
     number integer NOT NULL CHECK (number > 0),
     provider text NOT NULL,
     worker text NOT NULL,
     started_at timestamptz NOT NULL DEFAULT now(),
     finished_at timestamptz,
     result text CHECK (result IN ('accepted', 'permanent', 'transient', 'ambiguous', 'misconfigured', 'given_back')),
     code text,
     reply text,
     PRIMARY KEY (message_id, number),
     CHECK ((finished_at IS NULL) = (result IS NULL))
   )`,

  `CREATE TABLE delivery_events (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     provider text NOT NULL,
     event_id text NOT NULL,
     -- Hash of what the provider signs once only, and of the body that came with it: the same pair
     -- again is a retry, the same signature over another body a forgery.
     replay_key bytea,
     body_hash bytea,
     message_id uuid,
     provider_message_id text,
     type text NOT NULL CHECK (type IN
       ('accepted', 'deferred', 'delivered', 'bounced', 'rejected', 'complained', 'failed', 'unknown')),
     bounce text CHECK (bounce IN ('hard', 'soft')),
     reason text,
     occurred_at timestamptz NOT NULL,
     received_at timestamptz NOT NULL DEFAULT now(),
     -- Null while the event waits for a message that is not known (yet).
     applied_at timestamptz,
     UNIQUE (provider, event_id)
   )`,
  `CREATE UNIQUE INDEX delivery_events_replay ON delivery_events (provider, replay_key) WHERE replay_key IS NOT NULL`,
  `CREATE INDEX delivery_events_message ON delivery_events (message_id, id)`,
  `CREATE INDEX delivery_events_received ON delivery_events (received_at)`,
  `CREATE INDEX delivery_events_parked ON delivery_events (received_at) WHERE applied_at IS NULL`,

  `CREATE TABLE limit_charges (
     subject_key bytea NOT NULL CHECK (octet_length(subject_key) = 32),
     charge_id uuid NOT NULL,
     charged_at timestamptz NOT NULL,
     PRIMARY KEY (subject_key, charge_id)
   )`,
  `CREATE INDEX limit_charges_charged ON limit_charges (charged_at)`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
