import { seal } from '@reconfirm/core/sealed';
import { type RelayedContent, writeSealedContent } from '@reconfirm/core/sealed-content';
import { Secret } from '@reconfirm/core/secret';
import { parseKeyRing } from '@reconfirm/core/token';
import { acceptMessages } from '@reconfirm/db/accept-messages';
import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { makeRequest } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';

const content: RelayedContent = {
  kind: 'relayed',
  to: 'ada@example.org',
  template: 'recovery',
  link: 'https://auth.example.com/auth/v1/verify?token=theirs&type=recovery',
  code: '305805',
  name: 'Ada',
  lifetimeSeconds: 3600,
};

/** The row of a relayed message, as the API writes it. */
const relay = async (scene: Scene, changes: Partial<RelayedContent> = {}): Promise<string> => {
  const ring = parseKeyRing(scene.environment()['TOKEN_KEYS'] ?? '');
  if ('problem' in ring) throw new Error(ring.problem);
  const request = makeRequest(content.to, { purpose: 'relayed', locale: 'de' });
  const text = new Secret(writeSealedContent({ ...content, ...changes }));
  await acceptMessages(scene.db, [
    { ...request, sealed: seal(ring, text, request.id, Buffer.alloc(12, request.id.length)) },
  ]);
  return request.id;
};

test('a message of another system goes in our words with its link and its code, is followed, and is forgotten', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await scene.start();
  const id = await relay(scene);
  await scene.ring(id);
  expect(await scene.settled(id)).toMatchObject({
    status: 'sent',
    reason: null,
    account_id: null,
    sealed: null,
  });
  const [mail] = inbox.mails;
  expect(mail?.recipients).toEqual([content.to]);
  expect(mail?.email.text).toContain(content.link);
  expect(mail?.email.text).toContain('305805');
  expect(mail?.email.html).toContain('lang="de"');
  expect((await scene.attempts(id)).map(({ result }) => result)).toEqual(['accepted']);
  expect(await scene.db.selectFrom('verifications').selectAll().execute()).toEqual([]);
});

test('a refused one is tried again with the same content, and a bounced one shows as such', async () => {
  let tries = 0;
  await using inbox = await startInbox({
    onRcptTo: (_to, _session, callback) => {
      tries += 1;
      callback(tries === 1 ? Object.assign(new Error('later'), { responseCode: 451 }) : null);
    },
  });
  await using scene = await openScene(inbox.url);
  await scene.start();
  const id = await relay(scene);
  await scene.ring(id);
  await expect.poll(async () => (await scene.message(id)).status, { timeout: 10_000 }).toBe('deferred');
  expect((await scene.message(id)).sealed).not.toBeNull();
  await scene.skipWait(id);
  await scene.ring(id);
  expect(await scene.settled(id)).toMatchObject({ status: 'sent', sealed: null });
  expect(inbox.mails).toHaveLength(1);
});

test('one whose link is over, because it could not leave in time, is given up with the reason', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const id = await relay(scene, { lifetimeSeconds: 600 });
  await scene.db
    .updateTable('messages')
    .set({ accepted_at: new Date(Date.now() - 660_000) })
    .where('id', '=', id)
    .execute();
  await scene.start();
  await scene.ring(id);
  expect(await scene.settled(id)).toMatchObject({ status: 'gave_up', reason: 'too_late', sealed: null });
  expect(inbox.mails).toEqual([]);
});
