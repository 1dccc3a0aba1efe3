import { openTcpProxy } from '@reconfirm/local-stack';
import { describe, expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import {
  bounceAddressOf,
  bounceDomain,
  bounceSettings,
  bring,
  complaint,
  deliveryStatus,
  forgedAddressOf,
} from './support/report-mails.ts';
import { register } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';

/** A message that was sent to `email`. */
const sendTo = async (scene: Scene, email = 'reader@example.org') => {
  const registered = await register(scene.db, email);
  await scene.ring(registered.messageId);
  expect(await scene.settled(registered.messageId)).toMatchObject({ status: 'sent' });
  return registered;
};

const eventsOf = (scene: Scene, messageId: string) =>
  scene.db
    .selectFrom('delivery_events')
    .select(['provider', 'type', 'bounce', 'reason', 'applied_at'])
    .where('message_id', '=', messageId)
    .orderBy('id')
    .execute();

test('a bounce that another server brings to the envelope sender fails its message, with the reason', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { bouncePort } = await scene.start(bounceSettings);
  const { accountId, messageId } = await sendTo(scene);
  const [mail] = inbox.mails;
  expect(mail?.from).toBe(bounceAddressOf(messageId));

  const to = mail?.from ?? '';
  expect(await bring(bouncePort, { to, raw: deliveryStatus({ to }) })).toBe('250 2.0.0 Taken');
  const reason = 'failed 5.1.1: 550 5.1.1 <[address]>: [removed] is unknown';
  expect(await scene.message(messageId)).toMatchObject({ status: 'bounced', reason });
  expect(await eventsOf(scene, messageId)).toMatchObject([
    { provider: 'smtp', type: 'bounced', bounce: 'hard', reason, applied_at: expect.any(Date) },
  ]);
  const account = await scene.db
    .selectFrom('accounts')
    .select('verification_email_status')
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  expect(account.verification_email_status).toBe('FAILED');
  const logged = JSON.stringify(scene.lines);
  for (const secret of ['reader', to.slice(-16 - bounceDomain.length - 1)])
    expect(logged).not.toContain(secret);
});

test('the same report again, or in capitals, counts once and is answered as the first', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { bouncePort } = await scene.start(bounceSettings);
  const { messageId } = await sendTo(scene);
  const to = bounceAddressOf(messageId);
  for (const spelled of [to, to, to.toUpperCase()])
    expect(await bring(bouncePort, { to: spelled, raw: deliveryStatus({ to }) })).toBe('250 2.0.0 Taken');
  expect(await eventsOf(scene, messageId)).toHaveLength(1);
});

test('a later word outranks an earlier one, and a delay changes nothing', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { bouncePort } = await scene.start(bounceSettings);
  const { messageId } = await sendTo(scene);
  const to = bounceAddressOf(messageId);
  const steps = [
    ['delayed', '4.4.1', 'sent'],
    ['relayed', '2.0.0', 'sent'],
    ['delivered', '2.0.0', 'delivered'],
    ['failed', '5.2.2', 'delivered'],
    ['failed', '5.1.1', 'bounced'],
    ['delivered', '2.0.0', 'bounced'],
  ] as const;
  for (const [at, [action, status, then]] of steps.entries()) {
    const raw = deliveryStatus({ to, action, status, messageId: `report.${at}@mx.example.org` });
    expect(await bring(bouncePort, { to, raw })).toBe('250 2.0.0 Taken');
    expect(await scene.message(messageId), `after ${action}`).toMatchObject({ status: then });
  }
  expect((await eventsOf(scene, messageId)).map(({ type }) => type)).toEqual([
    'deferred',
    'accepted',
    'delivered',
    'bounced',
    'bounced',
    'delivered',
  ]);
});

test('nobody can fail the message of somebody else', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  const { bouncePort } = await scene.start(bounceSettings);
  const { messageId: forgers } = await sendTo(scene, 'forger@example.org');
  const { messageId: victims } = await sendTo(scene, 'victim@example.org');

  const forged = forgedAddressOf(victims);
  const raw = deliveryStatus({ to: forged, about: victims });
  expect(await bring(bouncePort, { to: forged, raw })).toBe('550 5.1.1 No such address here');
  const refused = '550 5.7.1 The report does not prove which message it is about';
  const toLoop = `fbl@${bounceDomain}`;
  expect(await bring(bouncePort, { to: toLoop, raw })).toBe(refused);
  const blamed = complaint({ to: toLoop, about: victims });
  expect(await bring(bouncePort, { from: 'x@example.net', to: toLoop, raw: blamed })).toBe(refused);
  // By his own address the forger reaches his own message, whatever he writes into the report.
  expect(await bring(bouncePort, { to: bounceAddressOf(forgers), raw })).toBe('250 2.0.0 Taken');

  expect(await scene.message(victims)).toMatchObject({ status: 'sent' });
  expect(await eventsOf(scene, victims)).toEqual([]);
  expect(await scene.message(forgers)).toMatchObject({ status: 'bounced' });
});

test('while Postgres is away a report is answered 451, and counts when it is brought again', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.url);
  await using proxy = await openTcpProxy(scene.databaseUrl);
  const { bouncePort } = await scene.start({
    ...bounceSettings,
    DATABASE_URL: proxy.url,
  });
  const { messageId } = await sendTo(scene);
  const to = bounceAddressOf(messageId);
  const raw = deliveryStatus({ to });
  await proxy.become('closed');
  expect(await bring(bouncePort, { to, raw })).toBe('451 4.3.0 The report cannot be stored now, try again');
  await proxy.become('open');
  expect(await scene.message(messageId)).toMatchObject({ status: 'sent' });
  await eventually(
    'the report is taken',
    async () => (await bring(bouncePort, { to, raw })) === '250 2.0.0 Taken',
  );
  expect(await scene.message(messageId)).toMatchObject({ status: 'bounced' });
  expect(await eventsOf(scene, messageId)).toHaveLength(1);
});

describe('a complaint', () => {
  test('to the address of its message, from any sender, makes it COMPLAINED', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    const { bouncePort } = await scene.start(bounceSettings);
    const { messageId } = await sendTo(scene);
    const to = bounceAddressOf(messageId);
    const from = 'feedback@fbl.example.net';
    expect(await bring(bouncePort, { from, to, raw: complaint({ to }) })).toBe('250 2.0.0 Taken');
    expect(await scene.message(messageId)).toMatchObject({ status: 'complained', reason: 'abuse' });
  });

  test('with a Message-ID alone counts from a feedback loop that is named in the settings', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    const { bouncePort } = await scene.start({ ...bounceSettings, BOUNCE_FEEDBACK_SOURCES: '127.0.0.0/8' });
    const { messageId } = await sendTo(scene);
    const to = `FBL@${bounceDomain}`;
    const from = 'feedback@fbl.example.net';
    const raw = complaint({ to, about: messageId });
    expect(await bring(bouncePort, { from, to, raw })).toBe('250 2.0.0 Taken');
    expect(await scene.message(messageId)).toMatchObject({ status: 'complained' });
  });
});

test('a message that is not known is no fault of the server that reports on it', async () => {
  await using scene = await openScene('smtp://127.0.0.1:9');
  const { bouncePort } = await scene.start(bounceSettings);
  const gone = '0199a1b2-0000-7000-8000-000000000001';
  const to = bounceAddressOf(gone);
  expect(await bring(bouncePort, { to, raw: deliveryStatus({ to }) })).toBe('250 2.0.0 Taken');
  expect(await eventsOf(scene, gone)).toMatchObject([{ type: 'bounced', applied_at: null }]);
});
