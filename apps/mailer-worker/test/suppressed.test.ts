import { hashToken } from '@reconfirm/core/token';
import { storeDeliveryEvent } from '@reconfirm/db/delivery-events';
import type { Database } from '@reconfirm/db/database';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { liftSuppression, listSuppressions } from '@reconfirm/db/suppressions';
import { describe, expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { confirm } from './support/confirm.ts';
import { tokenIn } from './support/mail-token.ts';
import { register, resend } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';
import { answers, startSmsProvider } from './support/sms-provider.ts';
import { newNumber, registerPhone, requestSms, twilioSms } from './support/sms-requests.ts';

const email = 'reader@example.org';
const organizationId = defaultOrganizationId;

const inForce = (db: Database) => listSuppressions(db, { organizationId, inForceOnly: true, limit: 10 });

/** A server that answers RCPT TO with this, as long as `isGone` says so. */
const refusingInbox = (reply: string, isGone = () => true) =>
  startInbox({
    onRcptTo: (_address, _session, callback) => {
      if (!isGone()) return callback();
      const [code = '', ...words] = reply.split(' ');
      callback(Object.assign(new Error(words.join(' ')), { responseCode: Number(code) }));
    },
  });

const sendTo = async (scene: Scene, messageId: string) => {
  await scene.ring(messageId);
  return scene.settled(messageId);
};

test('R13.2: after a hard bounce at the hand-over nothing is mailed to the address until it is lifted', async () => {
  let isGone = true;
  await using inbox = await refusingInbox('550 5.1.1 User unknown', () => isGone);
  await using scene = await openScene(inbox.url);
  await scene.start();
  const { messageId } = await register(scene.db, email);
  expect(await sendTo(scene, messageId)).toMatchObject({ status: 'bounced', reason: 'recipient_refused' });

  isGone = false;
  const skipped = await resend(scene.db, email);
  expect(await sendTo(scene, skipped)).toMatchObject({ status: 'skipped', reason: 'suppressed' });
  expect(await scene.attempts(skipped)).toEqual([]);
  expect(inbox.mails).toEqual([]);
  const other = await register(scene.db, 'other@example.org');
  expect(await sendTo(scene, other.messageId)).toMatchObject({ status: 'sent' });

  const [suppression] = await inForce(scene.db);
  expect(suppression).toMatchObject({ reason: 'hard_bounce', messageId });
  expect(suppression?.detail).toMatch(/^550 5\.1\.1/);
  const at = { organizationId, id: suppression?.id ?? '' };
  await liftSuppression(scene.db, at, { who: 'test', why: 'mended' });
  expect(await sendTo(scene, await resend(scene.db, email))).toMatchObject({ status: 'sent' });
  expect(inbox.mails.at(-1)?.recipients).toEqual([email]);
});

test.each([
  ['550 5.7.1 Blocked by a policy'],
  ['552 5.2.2 Mailbox full'],
  ['550 Requested action not taken: mailbox unavailable'],
])('a refusal that says nothing about the mailbox does not suppress: %s', async (reply) => {
  let isRefusing = true;
  await using inbox = await refusingInbox(reply, () => isRefusing);
  await using scene = await openScene(inbox.url);
  await scene.start();
  const { messageId } = await register(scene.db, email);
  expect(await sendTo(scene, messageId)).toMatchObject({ status: 'bounced' });
  expect(await inForce(scene.db)).toEqual([]);
  isRefusing = false;
  expect(await sendTo(scene, await resend(scene.db, email))).toMatchObject({ status: 'sent' });
});

test('R29.3: a blocked send is a row that says why, and no token is made for it', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await scene.start();
  const { accountId, messageId } = await register(scene.db, email);
  await sendTo(scene, messageId);
  const event = { eventId: 'complaint', occurredAt: new Date(), messageId, type: 'complained' } as const;
  const bodyHash = Buffer.alloc(32, 1);
  await storeDeliveryEvent(scene.db, { provider: 'mailgun', event, replayKey: bodyHash, bodyHash });
  const blocked = await resend(scene.db, email);
  expect(await sendTo(scene, blocked)).toMatchObject({
    status: 'skipped',
    reason: 'suppressed',
    account_id: accountId,
    sent_at: null,
  });
  const made = scene.db.selectFrom('verifications').select('message_id').where('message_id', '=', blocked);
  expect(await made.execute()).toEqual([]);
  expect(inbox.mails).toHaveLength(1);
});

test('the person’s own proof: a link that came before the bounce is used, and mail goes again', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await scene.start();
  const { messageId } = await register(scene.db, email);
  await sendTo(scene, messageId);
  const event = {
    eventId: 'bounce',
    occurredAt: new Date(),
    messageId,
    type: 'bounced',
    bounce: 'hard',
  } as const;
  const bodyHash = Buffer.alloc(32, 2);
  await storeDeliveryEvent(scene.db, { provider: 'mailgun', event, replayKey: bodyHash, bodyHash });
  expect(await sendTo(scene, await resend(scene.db, email, { purpose: 'recovery' }))).toMatchObject({
    reason: 'suppressed',
  });
  expect((await confirm(scene.db, hashToken(tokenIn(inbox.mails[0])))).state).toBe('live');
  expect(await inForce(scene.db)).toEqual([]);
  expect(await sendTo(scene, await resend(scene.db, email, { purpose: 'recovery' }))).toMatchObject({
    status: 'sent',
  });
});

test('what a worker is set to counts: with SUPPRESS_HARD_BOUNCE_DAYS=0 a bounce suppresses nothing', async () => {
  await using inbox = await refusingInbox('550 5.1.1 User unknown');
  await using scene = await openScene(inbox.url);
  await scene.start({ SUPPRESS_HARD_BOUNCE_DAYS: '0' });
  const { messageId } = await register(scene.db, email);
  expect(await sendTo(scene, messageId)).toMatchObject({ status: 'bounced' });
  expect(await inForce(scene.db)).toEqual([]);
});

describe('a number', () => {
  test.each([
    [21_211, 'hard_bounce'],
    [21_614, 'hard_bounce'],
    [21_610, 'opt_out'],
    [21_408, null],
  ] as const)('that Twilio refuses with %i is suppressed as %s', async (code, reason) => {
    await using provider = await startSmsProvider(answers(400, { code, message: 'refused', status: 400 }));
    await using scene = await openScene('smtp://127.0.0.1:9');
    await scene.start(twilioSms(provider.url));
    const phone = newNumber();
    const { messageId } = await registerPhone(scene.db, phone);
    await scene.ringSms(messageId);
    expect(await scene.settled(messageId)).toMatchObject({ status: 'bounced' });
    expect((await inForce(scene.db)).map((one) => one.reason)).toEqual(reason === null ? [] : [reason]);
    const next = await requestSms(scene.db, phone);
    await scene.ringSms(next);
    expect(await scene.settled(next)).toMatchObject(
      reason === null ? { status: 'bounced' } : { status: 'skipped', reason: 'suppressed' },
    );
    expect(provider.requests).toHaveLength(reason === null ? 2 : 1);
  });
});
