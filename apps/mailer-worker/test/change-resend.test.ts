import { randomBytes } from 'node:crypto';
import { keyedHash } from '@reconfirm/core/keyed-hash';
import { uuidV7 } from '@reconfirm/core/message-id';
import { acceptMessages, type MessageRequest } from '@reconfirm/db/accept-messages';
import { resendPendingChange } from '@reconfirm/db/change-resends';
import { claimMessages } from '@reconfirm/db/claims';
import { requestContactChange } from '@reconfirm/db/contact-changes';
import type { Database } from '@reconfirm/db/database';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { verifyAccountByAdmin } from '@reconfirm/db/accounts';
import { expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { linkIn } from './support/mail-token.ts';
import { hashKey, makeRequest, register } from './support/requests.ts';
import { openScene } from './support/scene.ts';

const newId = (): string => uuidV7(Date.now(), randomBytes(10));

/** A proved account that wants to move; nothing of that change has been sent yet. */
const moving = async (db: Database, mode: 'both' | 'new_only' = 'both') => {
  const { accountId } = await register(db, 'old@example.org');
  await verifyAccountByAdmin(db, accountId);
  const id = newId();
  await requestContactChange(
    db,
    {
      id,
      organizationId: defaultOrganizationId,
      accountId,
      channel: 'email',
      mode,
      newAddress: 'new@example.org',
      newKey: keyedHash(hashKey, 'address', defaultOrganizationId, 'new@example.org'),
      ttlSeconds: 3600,
    },
    [],
  );
  return { accountId, id };
};

/** What the public resend writes: an address, and no word of which change is meant. */
const askByAddress = async (db: Database, email: string): Promise<string> => {
  const request: MessageRequest = {
    ...makeRequest(email, { purpose: 'email_change' }),
    contract: 'gotrue',
    redirectUrl: 'https://app.example.com/moved',
    context: { challenge: 'c'.repeat(43) },
  };
  await acceptMessages(db, [request]);
  return request.id;
};

const messagesOf = (db: Database, changeId: string) =>
  db.selectFrom('messages').selectAll().where('change_id', '=', changeId).orderBy('seq').execute();

test('asked for by the old address, a pending change is mailed to both sides, once', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { id } = await moving(scene.db);
  const request = await askByAddress(scene.db, 'old@example.org');
  await scene.start();
  await scene.ring(request);

  expect(await scene.settled(request)).toMatchObject({ status: 'skipped', reason: 'change_resent' });
  const sides = await messagesOf(scene.db, id);
  for (const { id: messageId } of sides)
    expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });
  expect(
    sides.map(({ side, contract, redirect_url, context }) => ({ side, contract, redirect_url, context })),
  ).toEqual(
    (['new', 'current'] as const).map((side) => ({
      side,
      contract: 'gotrue',
      redirect_url: 'https://app.example.com/moved',
      context: { challenge: 'c'.repeat(43) },
    })),
  );
  expect(
    inbox.mails
      .map((mail) => mail.recipients)
      .flat()
      .toSorted(),
  ).toEqual(['new@example.org', 'old@example.org']);
  for (const mail of inbox.mails) {
    const link = linkIn(mail);
    expect([link.pathname, link.searchParams.get('type')]).toEqual(['/auth/v1/verify', 'email_change']);
  }
});

test('only the side that has not agreed yet is asked again', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { id } = await moving(scene.db);
  await scene.db
    .updateTable('contact_changes')
    .set({ current_confirmed_at: new Date() })
    .where('id', '=', id)
    .execute();
  const request = await askByAddress(scene.db, 'old@example.org');
  await scene.start();
  await scene.ring(request);
  await scene.settled(request);
  expect((await messagesOf(scene.db, id)).map(({ side }) => side)).toEqual(['new']);
});

test('an account that moves nowhere, and an unknown address, get nothing, and the row says why', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { accountId } = await register(scene.db, 'still@example.org');
  // Ends the registration's own mail, which the sweep would send.
  await verifyAccountByAdmin(scene.db, accountId);
  const known = await askByAddress(scene.db, 'still@example.org');
  const unknown = await askByAddress(scene.db, 'nobody@example.org');
  await scene.start();
  await scene.ring(known, unknown);
  expect(await scene.settled(known)).toMatchObject({ status: 'skipped', reason: 'no_pending_change' });
  expect(await scene.settled(unknown)).toMatchObject({ status: 'skipped', reason: 'unknown_account' });
  expect(inbox.mails).toEqual([]);
});

test('of two workers that hold one request only the one with the fence passes it on', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { accountId, id } = await moving(scene.db);
  const request = await askByAddress(scene.db, 'old@example.org');
  const [claimed] = await claimMessages(scene.db, [request], 60);
  const attempt = claimed?.attempt ?? 0;
  const pass = (fence: number) =>
    resendPendingChange(scene.db, {
      messageId: request,
      attempt: fence,
      accountId,
      channel: 'email',
      newIds: { new: newId(), current: newId() },
    });
  expect(await pass(attempt - 1)).toEqual({ kind: 'lost' });
  const outcomes = await Promise.all([pass(attempt), pass(attempt), pass(attempt)]);
  expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['lost', 'lost', 'resent']);
  expect(await messagesOf(scene.db, id)).toHaveLength(2);
});
