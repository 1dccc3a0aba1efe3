import { type Kysely, sql } from 'kysely';

/** Every captcha answer that was accepted, so that it is accepted once: unique by its keyed hash. */
const statements = [
  `CREATE TABLE captcha_answers (
     answer_hash bytea PRIMARY KEY CHECK (octet_length(answer_hash) = 32),
     -- The request that it was spent on: a repetition of that one may pass with it again.
     request_id uuid NOT NULL,
     accepted_at timestamptz NOT NULL DEFAULT now()
   )`,
  `CREATE INDEX captcha_answers_accepted ON captcha_answers (accepted_at)`,
];

export const up = async (db: Kysely<unknown>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
