import { Secret } from '@reconfirm/core/secret';
import { parseKeyRing, type KeyRing } from '@reconfirm/core/token';
import { seal } from '@reconfirm/core/sealed';
import { writeSealedContent } from '@reconfirm/core/sealed-content';
import { acceptMessages } from '@reconfirm/db/accept-messages';
import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { makeRequest, register, resend } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';

const ringOf = (scene: Scene): KeyRing => {
  const ring = parseKeyRing(scene.environment()['TOKEN_KEYS'] ?? '');
  if ('problem' in ring) throw new Error(ring.problem);
  return ring;
};

/** A request for an address that nobody has, as the API writes it where strangers are told. */
const askAsStranger = async (scene: Scene, email: string): Promise<string> => {
  const request = makeRequest(email);
  const content = new Secret(writeSealedContent({ kind: 'stranger', to: email }));
  const sealed = seal(ringOf(scene), content, request.id, Buffer.alloc(12, 5));
  await acceptMessages(scene.db, [{ ...request, sealed }]);
  return request.id;
};

const on = { NOTICE_ALREADY_VERIFIED: 'on', NOTICE_UNKNOWN_ACCOUNT: 'on' };

test('the owner of an address without an account is told once a day, without a link, and the address is forgotten', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await scene.start(on);
  const email = 'stranger@example.org';
  const first = await askAsStranger(scene, email);
  await scene.ring(first);
  expect(await scene.settled(first)).toMatchObject({
    status: 'sent',
    reason: 'notice_unknown_account',
    account_id: null,
    sealed: null,
  });
  const second = await askAsStranger(scene, email);
  await scene.ring(second);
  expect(await scene.settled(second)).toMatchObject({
    status: 'skipped',
    reason: 'unknown_account',
    sealed: null,
  });
  expect(inbox.mails).toHaveLength(1);
  expect(inbox.mails[0]?.recipients).toEqual([email]);
  expect(inbox.mails[0]?.email.html).not.toContain('token=');
  expect(await scene.db.selectFrom('verifications').selectAll().execute()).toEqual([]);
});

test('whoever asks again for a proved address is told so once a day, and its status stays what it was', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await scene.start(on);
  const email = 'ada@example.org';
  const { accountId } = await register(scene.db, email);
  await scene.db
    .updateTable('accounts')
    .set({ status: 'active', verified_at: new Date(), verification_email_status: 'DELIVERED' })
    .where('id', '=', accountId)
    .execute();
  const ids = [await resend(scene.db, email), await resend(scene.db, email)];
  const [older = '', newer = ''] = ids;
  await scene.ring(newer);
  expect(await scene.settled(newer)).toMatchObject({ status: 'sent', reason: 'notice_already_verified' });
  await scene.ring(older);
  expect(await scene.settled(older)).toMatchObject({ status: 'skipped', reason: 'superseded' });
  const again = await resend(scene.db, email);
  await scene.ring(again);
  expect(await scene.settled(again)).toMatchObject({ status: 'skipped', reason: 'already_verified' });
  expect(inbox.mails).toHaveLength(1);
  const account = await scene.db.selectFrom('accounts').selectAll().executeTakeFirstOrThrow();
  expect(account.verification_email_status).toBe('DELIVERED');
});

test('by default nobody is told anything', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await scene.start();
  const id = await askAsStranger(scene, 'stranger@example.org');
  await scene.ring(id);
  expect(await scene.settled(id)).toMatchObject({
    status: 'skipped',
    reason: 'unknown_account',
    sealed: null,
  });
  expect(inbox.mails).toEqual([]);
});

test('an address sealed under a key that is gone is put off and not sent to anybody', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const id = await askAsStranger(scene, 'stranger@example.org');
  await scene.start({ ...on, TOKEN_KEYS: `1:${Buffer.alloc(32, 9).toString('base64')}` });
  await scene.ring(id);
  await expect
    .poll(async () => (await scene.message(id)).reason, { timeout: 10_000 })
    .toBe('wrong_token_key');
  expect(inbox.mails).toEqual([]);
});
