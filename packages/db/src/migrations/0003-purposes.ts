import { type Kysely, sql } from 'kysely';

/**
 * Every purpose and both channels: accounts with a phone number, codes beside links, changes of an
 * address that an account asked for. Additive: a process of the version before goes on working.
 */
const statements = [
  `ALTER TABLE accounts
     ALTER COLUMN email DROP NOT NULL,
     ALTER COLUMN email_key DROP NOT NULL,
     -- E.164: what the SMS provider dials.
     ADD COLUMN phone text CHECK (phone ~ '^\\+[1-9][0-9]{6,14}$'),
     ADD COLUMN phone_key bytea CHECK (octet_length(phone_key) = 32),
     ADD COLUMN phone_verified_at timestamptz,
     -- PHC string of Argon2id.
     ADD COLUMN password_hash text,
     ADD COLUMN is_admin boolean NOT NULL DEFAULT false,
     -- What the caller keeps with the account; no rule reads it.
     ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
     ADD COLUMN last_signed_in_at timestamptz,
     ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
     ADD CONSTRAINT accounts_phone UNIQUE (organization_id, phone_key),
     ADD CONSTRAINT accounts_can_be_reached CHECK (email_key IS NOT NULL OR phone_key IS NOT NULL),
     ADD CONSTRAINT accounts_email_has_key CHECK ((email IS NULL) = (email_key IS NULL)),
     ADD CONSTRAINT accounts_phone_has_key CHECK ((phone IS NULL) = (phone_key IS NULL))`,

  `CREATE TABLE contact_changes (
     id uuid PRIMARY KEY,
     organization_id uuid NOT NULL,
     account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
     channel text NOT NULL CHECK (channel IN ('email', 'sms')),
     -- new_only: the new address proves itself and the old one is told. both: each side confirms with a token of its own.
     mode text NOT NULL CHECK (mode IN ('new_only', 'both')),
     new_address text NOT NULL CHECK (octet_length(new_address) BETWEEN 3 AND 254),
     new_key bytea NOT NULL CHECK (octet_length(new_key) = 32),
     -- What the account had before, for the notice and for undoing it; null where it had none.
     old_address text,
     old_key bytea CHECK (octet_length(old_key) = 32),
     current_confirmed_at timestamptz,
     new_confirmed_at timestamptz,
     created_at timestamptz NOT NULL DEFAULT now(),
     expires_at timestamptz NOT NULL,
     completed_at timestamptz,
     cancelled_at timestamptz,
     undone_at timestamptz,
     CHECK (completed_at IS NULL OR cancelled_at IS NULL)
   )`,
  `CREATE UNIQUE INDEX contact_changes_pending ON contact_changes (account_id, channel)
     WHERE completed_at IS NULL AND cancelled_at IS NULL`,
  `CREATE INDEX contact_changes_account ON contact_changes (account_id, id)`,

  `ALTER TABLE messages
     -- What a contract must remember from request to confirmation (a PKCE challenge). No secret, no address.
     ADD COLUMN context jsonb,
     ADD COLUMN change_id uuid REFERENCES contact_changes (id) ON DELETE CASCADE,
     ADD COLUMN side text CHECK (side IN ('current', 'new')),
     ADD CONSTRAINT messages_side_of_change CHECK ((change_id IS NULL) = (side IS NULL))`,
  `CREATE INDEX messages_change ON messages (change_id) WHERE change_id IS NOT NULL`,

  `ALTER TABLE verifications
     ADD COLUMN code_hash bytea CHECK (octet_length(code_hash) = 32),
     ADD COLUMN code_ttl_seconds integer CHECK (code_ttl_seconds > 0),
     ADD COLUMN code_expires_at timestamptz,
     -- How many of the newest messages of a subject stay live, and from when on a newer one counts.
     ADD COLUMN live_newest smallint NOT NULL DEFAULT 1 CHECK (live_newest BETWEEN 1 AND 3),
     ADD COLUMN superseded_when text NOT NULL DEFAULT 'accepted' CHECK (superseded_when IN ('accepted', 'handed_over')),
     ADD COLUMN consumed_by text CHECK (consumed_by IN ('link', 'code')),
     ADD CONSTRAINT verifications_code_is_whole
       CHECK ((code_hash IS NULL) = (code_ttl_seconds IS NULL) AND (code_hash IS NULL) = (code_expires_at IS NULL))`,

  // Guesses of one subject over all its live codes. Counted before the comparison, and a resend does not touch it.
  `CREATE TABLE code_guesses (
     subject_key bytea PRIMARY KEY CHECK (octet_length(subject_key) = 32),
     guesses integer NOT NULL CHECK (guesses > 0),
     window_ends_at timestamptz NOT NULL
   )`,
  `CREATE INDEX code_guesses_ended ON code_guesses (window_ends_at)`,

  `ALTER TABLE api_keys
     ALTER COLUMN account_id DROP NOT NULL,
     ADD COLUMN organization_id uuid REFERENCES organizations (id),
     ADD COLUMN name text,
     -- Empty: the key of an account, which speaks for that account only.
     ADD COLUMN scopes text[] NOT NULL DEFAULT '{}',
     ADD CONSTRAINT api_keys_belong_somewhere CHECK (account_id IS NOT NULL OR organization_id IS NOT NULL)`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
