import { describe, expect, test } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { registerMany } from './support/requests.ts';
import { openScene, type SceneBackend } from './support/scene.ts';

const count = 200;

/** What two workers make of messages that were rung twice each, as an API and a sweep might at the same moment. */
const deliverWithTwo = async (
  backend: SceneBackend,
): Promise<{
  readonly expected: readonly string[];
  readonly mailed: readonly string[];
  readonly attempts: number;
}> => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url, backend);
  const ids = await registerMany(scene.db, count);
  await Promise.all([scene.start(), scene.start()]);
  await scene.ring(...ids, ...ids);
  await eventually(
    'all are sent',
    async () => {
      const rows = await scene.db.selectFrom('messages').select('id').where('status', '=', 'sent').execute();
      return rows.length === count;
    },
    30_000,
  );
  const attempts = await scene.db.selectFrom('attempts').select('message_id').execute();
  return {
    expected: ids.map((id) => `<${id}@mail.example.com>`),
    mailed: inbox.mails.map((mail) => mail.email.messageId ?? ''),
    attempts: attempts.length,
  };
};

describe('two workers on the Postgres queue', () => {
  test('mail each of 200 messages exactly once', async () => {
    const { expected, mailed, attempts } = await deliverWithTwo('postgres');
    expect([mailed.length, attempts]).toEqual([count, count]);
    expect(new Set(mailed)).toEqual(new Set(expected));
  }, 60_000);
});

describeWithRedis('two workers on Redis', () => {
  test('mail each of 200 messages exactly once', async () => {
    const { expected, mailed, attempts } = await deliverWithTwo('redis');
    expect([mailed.length, attempts]).toEqual([count, count]);
    expect(new Set(mailed)).toEqual(new Set(expected));
  }, 60_000);
});
