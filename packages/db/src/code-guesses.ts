import { sql } from 'kysely';
import type { Database } from './database.ts';

/** How many codes may be tried for one subject within a window, whether they were right or wrong. */
export interface GuessBudget {
  readonly max: number;
  readonly windowSeconds: number;
}

export type GuessOutcome =
  | { readonly kind: 'counted' }
  | { readonly kind: 'locked'; readonly retryAfterSeconds: number };

/**
 * Counts one guess before anything is compared, or says that the budget of this window is used up. One
 * statement, so that of any number of parallel guesses at most `max` pass. The budget belongs to the
 * subject and not to a message, an address of a client or a device: no resend and no detour renews it.
 * An unknown subject is counted alike.
 */
export const countGuess = async (
  db: Database,
  subjectKey: Uint8Array,
  { max, windowSeconds }: GuessBudget,
): Promise<GuessOutcome> => {
  const key = Buffer.from(subjectKey);
  const { rows } = await sql`
    INSERT INTO code_guesses AS g (subject_key, guesses, window_ends_at)
    VALUES (${key}, 1, now() + make_interval(secs => ${windowSeconds}))
    ON CONFLICT (subject_key) DO UPDATE
       SET guesses = CASE WHEN g.window_ends_at <= now() THEN 1 ELSE g.guesses + 1 END,
           window_ends_at = CASE WHEN g.window_ends_at <= now() THEN excluded.window_ends_at ELSE g.window_ends_at END
     WHERE g.window_ends_at <= now() OR g.guesses < ${max}
    RETURNING 1`.execute(db);
  if (rows.length > 0) return { kind: 'counted' };
  const locked = await sql<{ seconds: number }>`
    SELECT greatest(1, ceil(extract(epoch FROM window_ends_at - now())))::int AS seconds
      FROM code_guesses WHERE subject_key = ${key}`.execute(db);
  return { kind: 'locked', retryAfterSeconds: locked.rows[0]?.seconds ?? 1 };
};

/** A code that may be the right one. */
export interface CodeCandidate {
  readonly messageId: string;
  readonly codeHash: Uint8Array;
}

/**
 * The newest codes of a subject, dead ones included, so that a dead code can be told from a wrong one. As many
 * rows are read and sent for somebody whose messages came to nothing as for an account's: how long a wrong
 * code takes must not tell who has one.
 */
export const findCodes = async (db: Database, subjectKey: Uint8Array): Promise<readonly CodeCandidate[]> => {
  const { rows } = await sql<MessageWithCode>`
    SELECT m.id AS message_id, v.code_hash FROM messages m LEFT JOIN verifications v ON v.message_id = m.id
     WHERE m.subject_key = ${Buffer.from(subjectKey)}
     ORDER BY m.seq DESC LIMIT ${messagesMax}`.execute(db);
  return candidatesOf(rows);
};

/** The same for the codes of changes of one kind that went to an address, whichever account asked. */
export const findCodesOfChanges = async (
  db: Database,
  addressKey: Uint8Array,
  purpose: string,
): Promise<readonly CodeCandidate[]> => {
  const { rows } = await sql<MessageWithCode>`
    SELECT m.id AS message_id, v.code_hash FROM messages m LEFT JOIN verifications v ON v.message_id = m.id
     WHERE m.address_key = ${Buffer.from(addressKey)} AND m.change_id IS NOT NULL AND m.purpose = ${purpose}
     ORDER BY m.seq DESC LIMIT ${messagesMax}`.execute(db);
  return candidatesOf(rows);
};

interface MessageWithCode {
  message_id: string;
  code_hash: Buffer | null;
}

/** Three may be live; the rest are those that a person may still find in the mailbox. */
export const codeCandidatesMax = 8;

// Some of the newest may have come to nothing, or wait to be sent: their codes are not made yet.
const messagesMax = 2 * codeCandidatesMax;

const candidatesOf = (rows: readonly MessageWithCode[]): readonly CodeCandidate[] =>
  rows
    .flatMap(({ message_id: messageId, code_hash: codeHash }) =>
      codeHash === null ? [] : [{ messageId, codeHash }],
    )
    .slice(0, codeCandidatesMax);

/** Gives the guess of a right code back: only wrong ones use the budget up. */
export const forgiveGuess = async (db: Database, subjectKey: Uint8Array): Promise<void> => {
  await sql`
    WITH last AS (DELETE FROM code_guesses WHERE subject_key = ${Buffer.from(subjectKey)} AND guesses <= 1)
    UPDATE code_guesses SET guesses = guesses - 1
     WHERE subject_key = ${Buffer.from(subjectKey)} AND guesses > 1`.execute(db);
};
