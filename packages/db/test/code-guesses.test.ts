import { expect, test } from 'vitest';
import { codeCandidatesMax, findCodes } from '../src/code-guesses.ts';
import { openTestDatabase } from './support/database.ts';
import { explain } from './support/explain.ts';
import { accept, createAccount, hashOf, newEmail, requestFor } from './support/rows.ts';

const db = await openTestDatabase();
const messageCount = 40;

/** Messages to an address, each with a code when there is an account that it was sent to. */
const askedFor = async (email: string, accountId: string | null): Promise<Buffer> => {
  for (let index = 0; index < messageCount; index += 1) {
    const id = await accept(db, email);
    if (accountId !== null)
      await db
        .insertInto('verifications')
        .values({
          message_id: id,
          account_id: accountId,
          token_hash: hashOf(`token ${id}`),
          key_version: 1,
          ttl_seconds: 3600,
          expires_at: new Date(Date.now() + 3_600_000),
          code_hash: hashOf(`code ${id}`),
          code_ttl_seconds: 3600,
          code_expires_at: new Date(Date.now() + 3_600_000),
        })
        .execute();
  }
  return Buffer.from(requestFor(email).subjectKey);
};

/** How many messages the statement reads, by Postgres' own count. */
const messagesRead = async (subjectKey: Buffer): Promise<number> => {
  const plan = await explain(
    db,
    (on) => findCodes(on, subjectKey),
    (text) => text.replace(/^\s*SELECT/, '(ANALYZE, COSTS OFF, TIMING OFF) SELECT'),
  );
  return Number(/Scan[^\n]* on messages[^\n]*actual rows=(\d+)/.exec(plan)?.[1]);
};

// How long a wrong code takes would tell who has an account, if it were more work for one of them.
test('the codes of an address are looked for in as many messages whether it has an account or not', async () => {
  const account = await createAccount(db);
  const known = await askedFor(account.email, account.id);
  const unknown = await askedFor(newEmail(), null);
  expect(await findCodes(db, known)).toHaveLength(codeCandidatesMax);
  expect(await findCodes(db, unknown)).toEqual([]);
  const read = await messagesRead(known);
  expect(read).toBeGreaterThanOrEqual(codeCandidatesMax);
  expect(read).toBeLessThan(messageCount);
  expect(await messagesRead(unknown)).toBe(read);
});
