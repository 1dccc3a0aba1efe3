import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { purposeNames } from '@reconfirm/core/purposes/registry';
import { applyParkedEvents, storeDeliveryEvent } from '../src/delivery-events.ts';
import { disownMessage } from '../src/disown.ts';
import { extendInvitation, renewInvitation } from '../src/invitations.ts';
import { recordMessages } from '../src/records.ts';
import { defaultOrganizationId } from '../src/schema.ts';
import { deleteUser } from '../src/users.ts';
import { confirmToken } from '../src/verifications.ts';
import { meetAt } from './support/collision.ts';
import { openTestDatabase } from './support/database.ts';
import { begin, claim, recordOf, send, startSending, tokenHashOf } from './support/delivery.ts';
import { report } from './support/reports.ts';
import { accept, createAccount, hashOf, messageRow, requestFor, verificationRow } from './support/rows.ts';

const db = await openTestDatabase(12);

let phones = 0;

/** An SMS that is in the provider's hands, and not recorded yet. Its record touches no status of the account. */
const smsUnderWay = async () => {
  const account = await createAccount(db);
  phones += 1;
  await db
    .updateTable('accounts')
    .set({ phone: `+45200${10_000 + phones}`, phone_key: hashOf(account.email) })
    .where('id', '=', account.id)
    .execute();
  const claimed = await claim(db, await accept(db, account.email, { channel: 'sms', purpose: 'sms' }));
  await begin(db, claimed, account.id);
  return { account, claimed };
};

describe('meeting at one row', () => {
  test('a code that comes back and the record of its hand-over both succeed at once', async () => {
    const { account, claimed } = await smsUnderWay();
    const [confirmed, recorded] = await meetAt(
      db,
      { table: 'accounts', id: account.id },
      () => confirmToken(db, { by: 'code', messageId: claimed.id }, purposeNames),
      () => recordMessages(db, [recordOf(claimed)]),
    );
    expect(confirmed).toMatchObject({ status: 'fulfilled', value: { state: 'live' } });
    expect(recorded.status).toBe('fulfilled');
    expect((await messageRow(db, claimed.id)).status).toBe('sent');
    expect((await verificationRow(db, claimed.id)).consumed_at).not.toBeNull();
  });

  test('the owner who disowns a message and the record of its hand-over both succeed at once', async () => {
    const { account, claimed } = await smsUnderWay();
    const [disowned, recorded] = await meetAt(
      db,
      { table: 'accounts', id: account.id },
      () => disownMessage(db, tokenHashOf(claimed.id)),
      () => recordMessages(db, [recordOf(claimed)]),
    );
    expect([disowned.status, recorded.status]).toEqual(['fulfilled', 'fulfilled']);
    expect((await verificationRow(db, claimed.id)).revoked_at).not.toBeNull();
  });

  test('an invitation that is extended and the record of its hand-over both succeed at once', async () => {
    const account = await createAccount(db);
    const invitation = requestFor(account.email, {
      purpose: 'invitation',
      subjectKey: hashOf(`i ${account.email}`),
    });
    const change = { organizationId: defaultOrganizationId, accountId: account.id, by: 'operator' };
    await renewInvitation(db, change, invitation);
    const claimed = await claim(db, invitation.id);
    await begin(db, claimed, account.id);
    // The account's status speaks of a newer message, so that the record leaves it alone.
    await send(db, account);
    const [extended, recorded] = await meetAt(
      db,
      { table: 'accounts', id: account.id },
      () => extendInvitation(db, change, { seconds: 86_400 }),
      () => recordMessages(db, [recordOf(claimed)]),
    );
    expect(extended).toMatchObject({ status: 'fulfilled', value: { kind: 'extended' } });
    expect(recorded.status).toBe('fulfilled');
  });

  test('a user who is deleted and a report of a mail to them both succeed at once', async () => {
    const account = await createAccount(db);
    const messageId = await send(db, account);
    const [deleted, stored] = await meetAt(
      db,
      { table: 'accounts', id: account.id },
      () => deleteUser(db, defaultOrganizationId, account.id),
      () => storeDeliveryEvent(db, report('delivered', messageId)),
    );
    expect(deleted).toMatchObject({ status: 'fulfilled', value: 'deleted' });
    expect(stored).toMatchObject({ status: 'fulfilled', value: 'applied' });
    expect(await messageRow(db, messageId)).toMatchObject({ status: 'delivered', account_id: null });
  });

  test('parked reports of several messages and the record of these both succeed at once', async () => {
    const messages = [
      await startSending(db, await createAccount(db)),
      await startSending(db, await createAccount(db)),
    ];
    // The newer one was reported first: the record comes from the other side.
    for (const { id } of messages.toReversed()) await park(id);
    const [applied, recorded] = await meetAt(
      db,
      { table: 'messages', id: messages[1]?.id ?? '' },
      () => applyParkedEvents(db, 100),
      () =>
        recordMessages(
          db,
          messages.map((claimed) => recordOf(claimed)),
        ),
    );
    expect(applied).toMatchObject({ status: 'fulfilled', value: 2 });
    expect(recorded.status).toBe('fulfilled');
    for (const { id } of messages) expect((await messageRow(db, id)).status).toBe('delivered');
  });
});

/** A report of a message that has come and was not applied. */
const park = async (messageId: string): Promise<void> => {
  await sql`
    INSERT INTO delivery_events (provider, event_id, message_id, type, occurred_at)
    VALUES ('mailgun', ${messageId}, ${messageId}, 'delivered', now())`.execute(db);
};
