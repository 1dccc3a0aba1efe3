import { hashToken } from '@reconfirm/core/token';
import { expect, test } from 'vitest';
import { startInbox, type Inbox } from './smtp-inbox.ts';
import { confirm } from './support/confirm.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { tokenIn } from './support/mail-token.ts';
import { register } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';
import { reply } from './support/smtp-reply.ts';

const key = (version: number): string => `${version}:${Buffer.alloc(32, version).toString('base64')}`;

/** A server that defers the first message and takes everything after it. */
const startDeferringInbox = (): Promise<Inbox> => {
  let refusals = 1;
  return startInbox({
    onRcptTo: (_to, _session, callback) => callback(refusals-- > 0 ? reply(451, '4.7.1 later') : null),
  });
};

/** A message whose first attempt was made, and failed, under key 1 only. */
const beginUnderFirstKey = async (
  scene: Scene,
): Promise<{ readonly messageId: string; readonly tokenHash: Buffer }> => {
  const { messageId } = await register(scene.db, 'reader@example.org');
  const worker = await scene.start({ TOKEN_KEYS: key(1) });
  await scene.ring(messageId);
  await eventually('the first attempt failed', async () => (await scene.message(messageId)).failures === 1);
  await worker.stop(2000);
  const { token_hash: tokenHash } = await scene.db
    .selectFrom('verifications')
    .select('token_hash')
    .where('message_id', '=', messageId)
    .executeTakeFirstOrThrow();
  await scene.skipWait(messageId);
  return { messageId, tokenHash };
};

test('a message that began under key 1 carries the same link after key 2 was added', async () => {
  await using inbox = await startDeferringInbox();
  await using scene = await openScene(inbox.url);
  const { messageId, tokenHash } = await beginUnderFirstKey(scene);
  await scene.start({ TOKEN_KEYS: `${key(1)},${key(2)}` });
  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });
  expect(hashToken(tokenIn(inbox.mails[0]))).toEqual(tokenHash);
  expect((await confirm(scene.db, tokenHash)).state).toBe('live');
});

test('a new message is derived from the newest key', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.start({ TOKEN_KEYS: `${key(2)},${key(1)}` });
  await scene.ring(messageId);
  await scene.settled(messageId);
  const { key_version: version } = await scene.db
    .selectFrom('verifications')
    .select('key_version')
    .where('message_id', '=', messageId)
    .executeTakeFirstOrThrow();
  expect(version).toBe(2);
});

test.each([
  ['lacks its key', key(2)],
  ['has another key under its version', `1:${Buffer.alloc(32, 9).toString('base64')}`],
])('a message waits, and no dead link is mailed, while the ring %s', async (_, ring) => {
  await using inbox = await startDeferringInbox();
  await using scene = await openScene(inbox.url);
  const { messageId, tokenHash } = await beginUnderFirstKey(scene);
  const worker = await scene.start({ TOKEN_KEYS: ring });
  await eventually(
    'it was looked at',
    async () => (await scene.message(messageId)).reason === 'wrong_token_key',
  );
  expect(await scene.message(messageId)).toMatchObject({
    status: 'deferred',
    failures: 1,
    lost_leases: 0,
    settled_at: null,
  });
  const told = scene.lines.find((line) => line['reason'] === 'wrong_token_key');
  expect(told, 'an operator is told').toMatchObject({ messageId, level: 50, msg: 'delivery.attempted' });
  await neverDuring('a mail with a dead link', 300, () => inbox.mails.length > 0);
  await worker.stop(2000);

  await scene.start({ TOKEN_KEYS: `${key(1)},${key(2)}` });
  await scene.skipWait(messageId);
  await scene.settled(messageId);
  expect(hashToken(tokenIn(inbox.mails[0])), 'the key is back, and so is the link').toEqual(tokenHash);
});
