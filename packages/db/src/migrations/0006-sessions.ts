import { type Kysely, sql } from 'kysely';

/** Sessions with rotating refresh tokens, and keys of organizations. Additive. */
const statements = [
  // One family of refresh tokens. The row is what makes an access token worth something before its time is over.
  `CREATE TABLE sessions (
     id uuid PRIMARY KEY,
     account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
     created_at timestamptz NOT NULL DEFAULT now(),
     refreshed_at timestamptz,
     -- Of its newest refresh token, and never earlier than that of an older one: what is past it has no tokens left.
     expires_at timestamptz NOT NULL,
     ended_at timestamptz,
     ended_by text CHECK (ended_by IN ('sign_out', 'sign_out_others', 'sign_out_all', 'password_changed', 'token_reused')),
     CHECK ((ended_at IS NULL) = (ended_by IS NULL))
   )`,
  `CREATE INDEX sessions_account ON sessions (account_id)`,
  `CREATE INDEX sessions_expired ON sessions (expires_at)`,

  // Used ones stay until they would have expired: showing one again ends the family.
  `CREATE TABLE refresh_tokens (
     token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
     session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
     parent_hash bytea CHECK (octet_length(parent_hash) = 32),
     created_at timestamptz NOT NULL DEFAULT now(),
     expires_at timestamptz NOT NULL,
     used_at timestamptz,
     -- With the token itself, and only with it, this makes the successor; kept until the successor is used.
     successor_nonce bytea CHECK (octet_length(successor_nonce) = 32),
     CHECK (successor_nonce IS NULL OR used_at IS NOT NULL)
   )`,
  `CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id)`,
  `CREATE INDEX refresh_tokens_expired ON refresh_tokens (expires_at)`,

  `ALTER TABLE api_keys
     -- The end of the key as its owner sees it in a list; 24 of its 256 bits.
     ADD COLUMN last_four text CHECK (length(last_four) = 4)`,
  `CREATE INDEX api_keys_organization ON api_keys (organization_id, id) WHERE account_id IS NULL`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
