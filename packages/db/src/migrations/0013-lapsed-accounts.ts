import { type Kysely, sql } from 'kysely';

/** Accounts that nobody ever proved, and what their lapse is told by. Additive. */
const statements = [
  // What a lapse looks for. Only the proof of an address takes an account out of it, so that the statements
  // which write down what became of a message still change no index of accounts.
  `CREATE INDEX accounts_unproved ON accounts (created_at)
     WHERE status = 'pending' AND verified_at IS NULL AND phone_verified_at IS NULL`,
  // The account is gone when its event is told: a bare id, which belongs to nobody any more.
  `ALTER TABLE outgoing_events ADD COLUMN lapsed_account_id uuid`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
