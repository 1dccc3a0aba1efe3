import type { Database } from './database.ts';

/** `ours`: this very request spent it before, so it may pass again. */
export type CaptchaUse = 'unused' | 'ours' | 'taken';

/** Whether an answer was spent, and on what. Changes nothing. */
export const findCaptchaUse = async (
  db: Database,
  answerHash: Uint8Array,
  requestId: string,
): Promise<CaptchaUse> => {
  const row = await db
    .selectFrom('captcha_answers')
    .select('request_id')
    .where('answer_hash', '=', Buffer.from(answerHash))
    .executeTakeFirst();
  if (row === undefined) return 'unused';
  return row.request_id === requestId ? 'ours' : 'taken';
};

/** Spends an answer: of any number of parallel calls for different requests one gets `ours`, the others `taken`. */
export const spendCaptchaAnswer = async (
  db: Database,
  answerHash: Uint8Array,
  requestId: string,
): Promise<Exclude<CaptchaUse, 'unused'>> => {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('captcha_answers')
    .values({ answer_hash: Buffer.from(answerHash), request_id: requestId })
    .onConflict((conflict) => conflict.column('answer_hash').doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 1n) return 'ours';
  return (await findCaptchaUse(db, answerHash, requestId)) === 'ours' ? 'ours' : 'taken';
};
