import { describe, expect, test } from 'vitest';
import { startInbox } from './smtp-inbox.ts';
import { greet, startScriptedServer, takeEnvelope, takeMessage } from './smtp-scripted-server.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { register } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';
import { reply } from './support/smtp-reply.ts';

const deferred = (scene: Scene, id: string) =>
  eventually(`message ${id} is deferred`, async () => {
    const row = await scene.message(id);
    return row.status === 'deferred' && row.lease_until === null && row.reason !== null && row;
  });

/** How long a message waits from now, by the clock of this machine, which is the database's too. */
const waitSeconds = (row: { readonly next_at: Date }): number => (row.next_at.getTime() - Date.now()) / 1000;

test('a 451 is tried again after a minute, with the same link and the same Message-ID', async () => {
  const seen: string[] = [];
  let refusals = 1;
  await using inbox = await startInbox({
    onRcptTo: ({ address }, _session, callback) => {
      seen.push(address);
      if (refusals-- > 0) callback(reply(451, '4.7.1 try again later'));
      else callback();
    },
  });
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.start();
  await scene.ring(messageId);

  const row = await deferred(scene, messageId);
  expect(row).toMatchObject({ reason: 'recipient_refused', failures: 1, settled_at: null });
  expect(waitSeconds(row)).toBeGreaterThan(40);
  expect(waitSeconds(row)).toBeLessThan(80);
  const { token_hash: promised } = await scene.db
    .selectFrom('verifications')
    .select('token_hash')
    .where('message_id', '=', messageId)
    .executeTakeFirstOrThrow();

  await scene.skipWait(messageId);
  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent', failures: 1 });
  expect(seen).toHaveLength(2);
  expect(inbox.mails).toHaveLength(1);
  expect(inbox.mails[0]?.email.messageId).toBe(`<${messageId}@mail.example.com>`);
  const { token_hash: kept } = await scene.db
    .selectFrom('verifications')
    .select('token_hash')
    .where('message_id', '=', messageId)
    .executeTakeFirstOrThrow();
  expect(kept).toEqual(promised);
  expect((await scene.attempts(messageId)).map(({ result, code }) => [result, code])).toEqual([
    ['transient', 'recipient_refused'],
    ['accepted', null],
  ]);
});

test('the wait grows with every failure, and no failure is counted twice', async () => {
  await using inbox = await startInbox({
    onRcptTo: (_to, _session, callback) => callback(reply(450, '4.2.1 busy')),
  });
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'reader@example.org');
  await scene.start();
  await scene.ring(messageId);
  for (const [failures, least, most] of [
    [1, 48, 72],
    [2, 240, 360],
    [3, 720, 1080],
  ] as const) {
    const row = await eventually(`failure ${failures} is recorded`, async () => {
      const found = await scene.message(messageId);
      return found.failures === failures && found.lease_until === null && found;
    });
    expect(waitSeconds(row)).toBeGreaterThan(least - 2);
    expect(waitSeconds(row)).toBeLessThan(most + 2);
    await scene.skipWait(messageId);
  }
});

test('a 550 to the recipient is final: FAILED at once, and never tried again', async () => {
  let tries = 0;
  await using inbox = await startInbox({
    onRcptTo: (_to, _session, callback) => {
      tries += 1;
      callback(reply(550, '5.1.1 no such user'));
    },
  });
  await using scene = await openScene(inbox.url);
  const { accountId, messageId } = await register(scene.db, 'reader@example.org');
  await scene.start();
  await scene.ring(messageId);
  expect(await scene.settled(messageId)).toMatchObject({ status: 'bounced', reason: 'recipient_refused' });
  const account = await scene.db
    .selectFrom('accounts')
    .select('verification_email_status as shown')
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  expect(account.shown).toBe('FAILED');
  await scene.skipWait(messageId);
  await scene.ring(messageId);
  await neverDuring('a second try', 1000, () => tries !== 1);
});

test('what the server says is kept without the address it repeats', async () => {
  await using inbox = await startInbox({
    onRcptTo: ({ address }, _session, callback) => callback(reply(550, `5.1.1 <${address}> is unknown here`)),
  });
  await using scene = await openScene(inbox.url);
  const { messageId } = await register(scene.db, 'private-reader@example.org');
  await scene.start();
  await scene.ring(messageId);
  await scene.settled(messageId);
  const [attempt] = await scene.attempts(messageId);
  expect(attempt?.reply).toContain('unknown here');
  expect(JSON.stringify([attempt, scene.lines])).not.toContain('private-reader');
});

describe('when the connection is lost after the dot', () => {
  test('the message counts as ambiguous and goes again with the same link and Message-ID', async () => {
    const bodies: string[] = [];
    await using server = await startScriptedServer(async (dialogue) => {
      await greet(dialogue);
      if (dialogue.connection === 1) {
        await takeEnvelope(dialogue);
        bodies.push(await dialogue.readMessage());
        dialogue.socket.destroy();
        return;
      }
      bodies.push(await takeMessage(dialogue));
    });
    await using scene = await openScene(server.url);
    const { messageId } = await register(scene.db, 'reader@example.org');
    await scene.start();
    await scene.ring(messageId);

    const row = await deferred(scene, messageId);
    expect(row.failures).toBe(1);
    expect((await scene.attempts(messageId)).at(-1)).toMatchObject({
      result: 'ambiguous',
      code: 'connection_lost',
    });
    expect(waitSeconds(row), 'time for the word of the provider').toBeGreaterThan(45);
    await scene.skipWait(messageId);
    await scene.settled(messageId);
    expect(bodies).toHaveLength(2);
    const [first, second] = bodies.map((body) =>
      /token=3D([0-9a-f=\n]{64,70})|token=([0-9a-f]{64})/.exec(body)?.[0]?.replaceAll('=\n', ''),
    );
    expect(first).toBeDefined();
    expect(second).toBe(first);
    for (const body of bodies) expect(body).toContain(`Message-ID: <${messageId}@mail.example.com>`);
  });
});
