import { type Kysely, sql } from 'kysely';

/** Passwords that wait for their sign-up to be confirmed, and codes that stand for a session. Additive. */
const statements = [
  // Anybody can type somebody else's address and a password of their own: it becomes the account's only with
  // the proof of the very message that it came with.
  `CREATE TABLE signup_passwords (
     message_id uuid PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
     account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
     -- PHC string of Argon2id.
     password_hash text NOT NULL
   )`,
  `CREATE INDEX signup_passwords_account ON signup_passwords (account_id)`,

  // What a link leads back with when a client asked with PKCE: worth nothing without the verifier.
  `CREATE TABLE auth_codes (
     code_hash bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
     account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
     -- BASE64URL(SHA-256(verifier)), whatever method the client named.
     challenge text NOT NULL CHECK (octet_length(challenge) BETWEEN 43 AND 128),
     created_at timestamptz NOT NULL DEFAULT now(),
     expires_at timestamptz NOT NULL,
     used_at timestamptz
   )`,
  `CREATE INDEX auth_codes_account ON auth_codes (account_id)`,
  `CREATE INDEX auth_codes_expired ON auth_codes (expires_at)`,

  // Codes of a change are found by the address that they went to.
  `CREATE INDEX messages_change_address ON messages (address_key, seq) WHERE change_id IS NOT NULL`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
