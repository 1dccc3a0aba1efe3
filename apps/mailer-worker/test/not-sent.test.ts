import { changeAccountStatus, verifyAccountByAdmin } from '@reconfirm/db/accounts';
import { reclaimExpiredLeases } from '@reconfirm/db/due-messages';
import { claimMessages } from '@reconfirm/db/claims';
import { deriveToken, hashToken } from '@reconfirm/core/token';
import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { confirm } from './support/confirm.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { tokenIn } from './support/mail-token.ts';
import { register, resend } from './support/requests.ts';
import { openDelivery } from './support/open-delivery.ts';
import { openScene, type Scene } from './support/scene.ts';

const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);

const shown = (scene: Scene, accountId: string): Promise<string | null> =>
  scene.db
    .selectFrom('accounts')
    .select('verification_email_status')
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow()
    .then((row) => row.verification_email_status);

test('of two accepted messages of one address only the newer is mailed', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId: older } = await register(scene.db, 'reader@example.org');
  const newer = await resend(scene.db, 'reader@example.org');
  await scene.start();
  await scene.ring(older, newer);

  expect(await scene.settled(older)).toMatchObject({ status: 'skipped', reason: 'superseded' });
  expect(await scene.settled(newer)).toMatchObject({ status: 'sent' });
  expect(inbox.mails.map((mail) => mail.email.messageId)).toEqual([`<${newer}@mail.example.com>`]);
  expect(await scene.attempts(older), 'nothing was begun for the older one').toEqual([]);
  expect((await confirm(scene.db, hashToken(tokenIn(inbox.mails[0])))).state).toBe('live');
});

test('an address that nobody registered gets no mail, and no token is made for it', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const id = await resend(scene.db, 'stranger@example.org');
  await scene.start();
  await scene.ring(id);
  expect(await scene.settled(id)).toMatchObject({
    status: 'skipped',
    reason: 'unknown_account',
    account_id: null,
  });
  expect(await scene.db.selectFrom('verifications').selectAll().execute()).toEqual([]);
  expect(inbox.mails).toEqual([]);
});

test('an account that has proved its address gets no mail', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { accountId, messageId } = await register(scene.db, 'reader@example.org');
  await verifyAccountByAdmin(scene.db, accountId);
  await scene.start();
  await scene.ring(messageId);
  expect(await scene.settled(messageId)).toMatchObject({ status: 'skipped', reason: 'already_verified' });
  expect(await shown(scene, accountId)).toBeNull();
  expect(inbox.mails).toEqual([]);
});

test('a suspended account gets no mail', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { accountId, messageId } = await register(scene.db, 'reader@example.org');
  await changeAccountStatus(scene.db, accountId, 'suspended');
  await scene.start();
  await scene.ring(messageId);
  expect(await scene.settled(messageId)).toMatchObject({ status: 'skipped', reason: 'suspended' });
  expect(inbox.mails).toEqual([]);
});

test('with EMAIL_PROVIDER=none a token is made that works, nothing is sent and no status is shown', async () => {
  await using scene = await openScene('smtp://127.0.0.1:9');
  const { accountId, messageId } = await register(scene.db, 'reader@example.org');
  const { delivery, keys, starts } = await openDelivery(scene, { EMAIL_PROVIDER: 'none' });
  await delivery.deliver(messageId);

  expect(await scene.message(messageId)).toMatchObject({
    status: 'skipped',
    reason: 'email_off',
    account_id: accountId,
  });
  expect(await scene.attempts(messageId)).toEqual([]);
  expect(await shown(scene, accountId)).toBeNull();
  // Settling forgets what the token is derived from, so it is taken from where it was noted.
  const [start] = starts;
  if (!start?.credential) throw new Error('no token was made');
  const { credential, messageId: id } = start;
  const token = deriveToken(keys, { ...credential, messageId: id, purpose: 'signup' });
  expect((await confirm(scene.db, hashToken(token.reveal()))).state).toBe('live');
});

test('a message that could not leave for a day is given up and shows as FAILED', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { accountId, messageId } = await register(scene.db, 'reader@example.org');
  await scene.db
    .updateTable('messages')
    .set({ accepted_at: hoursAgo(25) })
    .where('id', '=', messageId)
    .execute();
  await scene.start();
  await scene.ring(messageId);
  expect(await scene.settled(messageId)).toMatchObject({ status: 'gave_up', reason: 'too_late' });
  expect(await shown(scene, accountId)).toBe('FAILED');
  expect(inbox.mails).toEqual([]);
});

test('a message is given up when the time that its purpose has is over, and sent before', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId: late } = await register(scene.db, 'late@example.org');
  const { messageId: inTime } = await register(scene.db, 'in-time@example.org');
  for (const [id, minutes] of [
    [late, 16],
    [inTime, 14],
  ] as const)
    await scene.db
      .updateTable('messages')
      .set({ accepted_at: hoursAgo(minutes / 60) })
      .where('id', '=', id)
      .execute();
  await scene.start({ PURPOSE_SEND_WITHIN: 'signup=900' });
  await scene.ring(late, inTime);
  expect(await scene.settled(late)).toMatchObject({ status: 'gave_up', reason: 'too_late', attempt: 1 });
  expect(await scene.settled(inTime)).toMatchObject({ status: 'sent' });
  expect(await scene.attempts(late), 'nothing was tried').toEqual([]);
  expect(inbox.mails.map((mail) => mail.recipients)).toEqual([['in-time@example.org']]);
});

test('a message on which five workers died is set aside, and the others go on', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId: poison } = await register(scene.db, 'poison@example.org');
  for (let death = 0; death < 5; death += 1) {
    await claimMessages(scene.db, [poison], 60);
    await scene.endLease(poison);
    await reclaimExpiredLeases(scene.db, 10);
  }
  const { messageId: good } = await register(scene.db, 'reader@example.org');
  await scene.start();
  await scene.ring(poison, good);
  expect(await scene.settled(poison)).toMatchObject({
    status: 'gave_up',
    reason: 'lost_too_often',
    lost_leases: 5,
  });
  expect(await scene.settled(good)).toMatchObject({ status: 'sent' });
  expect(inbox.mails.map(({ recipients }) => recipients)).toEqual([['reader@example.org']]);
});

test('four deaths are not enough to set a message aside', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.db.updateTable('messages').set({ lost_leases: 4 }).where('id', '=', messageId).execute();
  await scene.start();
  await scene.ring(messageId);
  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });
});

test('a purpose of a newer version is left due for a worker that knows it', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await register(scene.db, 'reader@example.org');
  const id = await resend(scene.db, 'reader@example.org', { purpose: 'a_later_purpose' });
  await scene.start();
  await scene.ring(id);
  const row = await eventually('it was looked at', async () => {
    const found = await scene.message(id);
    return found.reason === 'unknown_purpose' && found;
  });
  expect(row).toMatchObject({
    status: 'deferred',
    failures: 0,
    lost_leases: 0,
    settled_at: null,
    lease_until: null,
  });
  expect(
    scene.lines.find((line) => line['messageId'] === id),
    'an operator is told',
  ).toMatchObject({ level: 50, msg: 'delivery.attempted', reason: 'unknown_purpose' });
  await neverDuring('a mail of that purpose', 500, () =>
    inbox.mails.some((mail) => mail.email.messageId?.includes(id)),
  );
});

test('a mail that cannot be composed is given up at once, shows as FAILED, and the log says why', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { messageId, accountId } = await register(scene.db, 'reader@example.org');
  const broken = await openDelivery(scene, {}, undefined, (carrier) => ({
    ...carrier,
    prepare: () => {
      throw new Error('the template has lost a string');
    },
  }));
  await broken.delivery.deliver(messageId);
  expect(await scene.settled(messageId)).toMatchObject({
    status: 'gave_up',
    reason: 'not_composed',
    lost_leases: 0,
  });
  expect(await shown(scene, accountId)).toBe('FAILED');
  expect(await scene.attempts(messageId)).toEqual([]);
});
