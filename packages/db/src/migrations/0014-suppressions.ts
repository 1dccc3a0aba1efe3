import { type Kysely, sql } from 'kysely';

/**
 * Addresses that nothing is sent to, by their keyed hash. No account and no message is referred to: what a
 * person is spared outlives both.
 */
const statements = [
  `CREATE TABLE suppressions (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     -- The organization is part of the hash (core/keyed-hash.ts), so each has a list of its own.
     organization_id uuid NOT NULL,
     address_key bytea NOT NULL UNIQUE CHECK (octet_length(address_key) = 32),
     channel text NOT NULL CHECK (channel IN ('email', 'sms')),
     reason text NOT NULL CHECK (reason IN ('hard_bounce', 'complaint', 'opt_out', 'operator')),
     -- The server's or the provider's word for it, scrubbed.
     detail text CHECK (octet_length(detail) <= 1000),
     message_id uuid,
     delivery_event_id bigint,
     -- How often in a row it was suppressed for a time.
     times integer NOT NULL DEFAULT 0 CHECK (times >= 0),
     -- How often its owner has complained since it was last lifted by an operator.
     complaints integer NOT NULL DEFAULT 0 CHECK (complaints >= 0),
     suppressed_at timestamptz NOT NULL DEFAULT now(),
     -- Null: until it is lifted.
     expires_at timestamptz,
     lifted_at timestamptz,
     lifted_by text CHECK (lifted_by IN ('operator', 'proof')),
     CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
     CHECK (reason <> 'complaint' OR (expires_at IS NULL AND complaints > 0))
   )`,
  `CREATE INDEX suppressions_organization ON suppressions (organization_id, id)`,
  // What retention looks for.
  `CREATE INDEX suppressions_over ON suppressions (coalesce(lifted_at, expires_at))
     WHERE lifted_at IS NOT NULL OR expires_at IS NOT NULL`,

  // Every change of the list, for an auditor.
  `CREATE TABLE suppression_changes (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     suppression_id bigint NOT NULL REFERENCES suppressions (id) ON DELETE CASCADE,
     change text NOT NULL CHECK (change IN ('suppressed', 'lifted')),
     by text NOT NULL CHECK (by IN ('report', 'hand_over', 'operator', 'proof')),
     reason text NOT NULL,
     expires_at timestamptz,
     message_id uuid,
     -- An operator's name and words, as given.
     who text CHECK (octet_length(who) <= 1000),
     why text CHECK (octet_length(why) <= 4000),
     changed_at timestamptz NOT NULL DEFAULT now(),
     CHECK ((by = 'operator') = (who IS NOT NULL AND why IS NOT NULL))
   )`,
  `CREATE INDEX suppression_changes_suppression ON suppression_changes (suppression_id, id)`,

  // Whoever asked had solved a captcha. Constant: no row is rewritten.
  `ALTER TABLE messages ADD COLUMN passed_captcha boolean NOT NULL DEFAULT false`,

  // As in 0010, with what an account is told about its address: the channel of these stands in the event.
  `CREATE OR REPLACE FUNCTION tell_host_application() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     INSERT INTO outgoing_events (
       organization_id, type, account_id, account_event_id, message_id, channel, purpose, method, reason, occurred_at)
     SELECT a.organization_id, told.type, a.id, e.id, m.id,
            CASE WHEN e.type IN ('PHONE_VERIFIED', 'PHONE_CHANGED') THEN 'sms'
                 ELSE coalesce(e.detail->>'channel', m.channel, 'email') END,
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
              ('CONTACT_SUPPRESSED', 'contact.suppressed'),
              ('CONTACT_SUPPRESSION_LIFTED', 'contact.suppression_lifted'),
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
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
