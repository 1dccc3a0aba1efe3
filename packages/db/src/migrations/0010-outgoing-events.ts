import { type Kysely, sql } from 'kysely';

/**
 * What the host application is told. An event is made by a trigger from the account's own event, so that
 * every path which writes one, now or later, tells the host in the same transaction and exactly once.
 *
 * It gets its sequence number afterwards (`numberEvents`), in the order of the numbering, by one holder of
 * a lock at a time: numbers drawn while transactions are open would become visible out of order, and a
 * reader of the feed would step over those that commit late.
 */
const statements = [
  `CREATE TABLE webhook_endpoints (
     id uuid PRIMARY KEY,
     organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
     url text NOT NULL CHECK (octet_length(url) BETWEEN 8 AND 2048),
     -- Empty: all of them.
     event_types text[] NOT NULL DEFAULT '{}',
     active boolean NOT NULL DEFAULT true,
     disabled_reason text,
     -- AES-256-GCM (core/sealed.ts); the previous one signs too until its time is over.
     secret_sealed bytea NOT NULL,
     previous_secret_sealed bytea,
     previous_secret_until timestamptz,
     created_at timestamptz NOT NULL DEFAULT now(),
     updated_at timestamptz NOT NULL DEFAULT now(),
     CHECK ((previous_secret_sealed IS NULL) = (previous_secret_until IS NULL))
   )`,
  `CREATE INDEX webhook_endpoints_organization ON webhook_endpoints (organization_id, id)`,

  `CREATE TABLE event_sequences (
     organization_id uuid PRIMARY KEY,
     last_sequence bigint NOT NULL
   )`,

  // Ids and instants only: the address is looked up when the event is sent.
  `CREATE TABLE outgoing_events (
     id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
     position bigint GENERATED ALWAYS AS IDENTITY,
     organization_id uuid NOT NULL,
     sequence bigint,
     type text NOT NULL,
     -- Erasing an account leaves its events without a person.
     account_id uuid REFERENCES accounts (id) ON DELETE SET NULL,
     account_event_id bigint,
     message_id uuid,
     only_endpoint_id uuid REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
     channel text CHECK (channel IN ('email', 'sms')),
     purpose text,
     method text,
     reason text,
     occurred_at timestamptz NOT NULL DEFAULT now(),
     UNIQUE (organization_id, sequence),
     UNIQUE (account_event_id, type)
   )`,
  `CREATE INDEX outgoing_events_unnumbered ON outgoing_events (position) WHERE sequence IS NULL`,
  `CREATE INDEX outgoing_events_account ON outgoing_events (account_id) WHERE account_id IS NOT NULL`,
  `CREATE INDEX outgoing_events_occurred ON outgoing_events (occurred_at)`,
  `CREATE INDEX outgoing_events_only ON outgoing_events (only_endpoint_id) WHERE only_endpoint_id IS NOT NULL`,
  // A provider reports the same thing twice, under two ids; the host hears of it once.
  `CREATE UNIQUE INDEX outgoing_events_once_a_message ON outgoing_events (message_id, type) WHERE type LIKE 'message.%'`,

  `CREATE TABLE webhook_deliveries (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
     event_id uuid NOT NULL REFERENCES outgoing_events (id) ON DELETE CASCADE,
     status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'dead')),
     -- Raised by every claim; who holds an older one no longer writes, unless it has to say "delivered".
     fence integer NOT NULL DEFAULT 0,
     failures integer NOT NULL DEFAULT 0,
     next_at timestamptz NOT NULL DEFAULT now(),
     lease_until timestamptz,
     created_at timestamptz NOT NULL DEFAULT now(),
     delivered_at timestamptz,
     UNIQUE (endpoint_id, event_id),
     CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
   ) WITH (fillfactor = 80)`,
  `CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at) WHERE status = 'pending'`,
  `CREATE INDEX webhook_deliveries_log ON webhook_deliveries (endpoint_id, id)`,
  `CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (endpoint_id, id) WHERE status = 'dead'`,
  `CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event_id)`,

  `CREATE TABLE webhook_attempts (
     delivery_id bigint NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
     number integer NOT NULL,
     attempted_at timestamptz NOT NULL DEFAULT now(),
     took_ms integer NOT NULL,
     status_code integer,
     failure text,
     PRIMARY KEY (delivery_id, number),
     CHECK ((status_code IS NULL) <> (failure IS NULL))
   )`,

  // One INSERT for all rows of a statement: the worker records up to hundreds at once.
  `CREATE FUNCTION tell_host_application() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     INSERT INTO outgoing_events (
       organization_id, type, account_id, account_event_id, message_id, channel, purpose, method, reason, occurred_at)
     SELECT a.organization_id, told.type, a.id, e.id, m.id,
            CASE WHEN e.type IN ('PHONE_VERIFIED', 'PHONE_CHANGED') THEN 'sms' ELSE coalesce(m.channel, 'email') END,
            coalesce(m.purpose, e.detail->>'purpose'), coalesce(e.detail->>'by', v.consumed_by),
            e.detail->>'reason', e.created_at
       FROM inserted e
       JOIN (VALUES
              ('EMAIL_VERIFIED', 'verification.completed'),
              ('INVITATION_ACCEPTED', 'invitation.accepted'),
              ('PHONE_VERIFIED', 'verification.completed'),
              ('EMAIL_CHANGED', 'verification.completed'),
              ('EMAIL_CHANGED', 'contact.changed'),
              ('PHONE_CHANGED', 'verification.completed'),
              ('PHONE_CHANGED', 'contact.changed'),
              ('EMAIL_CHANGE_UNDONE', 'contact.changed'),
              ('CONTACT_DISOWNED', 'contact.disowned'),
              ('VERIFICATION_EMAIL_SENT', 'message.sent'),
              ('VERIFICATION_EMAIL_DELIVERED', 'message.delivered'),
              ('VERIFICATION_EMAIL_FAILED', 'message.failed'),
              ('VERIFICATION_EMAIL_COMPLAINED', 'message.complained'),
              ('VERIFICATION_SMS_SENT', 'message.sent'),
              ('VERIFICATION_SMS_DELIVERED', 'message.delivered'),
              ('VERIFICATION_SMS_FAILED', 'message.failed'),
              ('VERIFICATION_SMS_COMPLAINED', 'message.complained')
            ) AS told (of, type) ON told.of = e.type
       JOIN accounts a ON a.id = e.account_id
       LEFT JOIN messages m ON m.id = (e.detail->>'messageId')::uuid
       LEFT JOIN verifications v ON v.message_id = m.id AND told.type NOT LIKE 'message.%'
      ORDER BY e.id, told.type DESC
     ON CONFLICT DO NOTHING;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER account_events_tell_host_application AFTER INSERT ON account_events
     REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION tell_host_application()`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
