import { readFileSync } from 'node:fs';
import type { Database } from '@reconfirm/db/database';
import { answers, type Behaviour } from './sms-provider.ts';
import { register } from './requests.ts';

/** The id that the fixtures of look-ups are written with. */
const fixtureId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';

interface ProviderAnswers {
  readonly providerMessageId?: string;
  readonly answers: readonly { readonly path: string; readonly status: number; readonly body: unknown }[];
}

/** What a provider's pages document as its answers about one message, told of the message with this id. */
export const documentedAnswers = (
  provider: string,
  behaviour: string,
  messageId: string,
): ProviderAnswers => {
  const file = new URL(
    `../../../../packages/core/test/fixtures/lookups/${provider}/${behaviour}.json`,
    import.meta.url,
  );
  return JSON.parse(readFileSync(file, 'utf8').replaceAll(fixtureId, messageId)) as ProviderAnswers;
};

/** A provider that answers each question as documented, and 404 what was not to be asked. */
export const answersAsDocumented =
  (...known: readonly ProviderAnswers[]): Behaviour =>
  (response, request, n) => {
    const found = known.flatMap(({ answers: all }) => all).find(({ path }) => path === request.path);
    const { status, body } = found ?? { status: 404, body: { message: 'not found' } };
    answers(status, body)(response, request, n);
  };

let count = 0;

/** A message that a provider took a while ago and of which nothing was reported; its account with it. */
export const silentMessage = async (
  db: Database,
  provider: string,
  change: { readonly providerMessageId?: string | undefined; readonly sentSecondsAgo?: number } = {},
): Promise<{ readonly accountId: string; readonly messageId: string }> => {
  count += 1;
  const registered = await register(db, `silent-${count}@example.org`);
  await db
    .updateTable('messages')
    .set({
      status: 'sent',
      provider,
      provider_message_id: change.providerMessageId ?? null,
      account_id: registered.accountId,
      settled_at: new Date(),
      sent_at: new Date(Date.now() - (change.sentSecondsAgo ?? 1200) * 1000),
      ...(provider === 'twilio' && { channel: 'sms' as const }),
    })
    .where('id', '=', registered.messageId)
    .execute();
  return registered;
};

/** A message whose hand-over got no answer; its next attempt is due in so many seconds. */
export const doubtfulMessage = async (
  db: Database,
  provider: string,
  nextSeconds: number,
): Promise<string> => {
  count += 1;
  const { messageId } = await register(db, `doubtful-${count}@example.org`);
  await db
    .insertInto('attempts')
    .values({
      message_id: messageId,
      number: 1,
      provider,
      worker: 'gone',
      finished_at: new Date(),
      result: 'ambiguous',
      code: 'timeout',
    })
    .execute();
  await db
    .updateTable('messages')
    .set({
      status: 'deferred',
      attempt: 1,
      reason: 'timeout',
      provider,
      next_at: new Date(Date.now() + nextSeconds * 1000),
    })
    .where('id', '=', messageId)
    .execute();
  return messageId;
};
