import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { verifyAccountByAdmin } from '@reconfirm/db/accounts';
import { replayDeliveries } from '@reconfirm/db/webhook-deliveries';
import { startInbox } from './smtp-inbox.ts';
import {
  createEndpoint,
  logOf,
  rotate,
  skipEventWaits,
  untilDelivery,
  verifySomebody,
} from './support/endpoints.ts';
import { eventually } from './support/eventually.ts';
import { readMetric } from './support/ops-port.ts';
import { type Received, type Receiver, startReceiver } from './support/receiver.ts';
import { register } from './support/requests.ts';
import { openScene } from './support/scene.ts';

const onLoopback = { EVENT_LOOPBACK: 'on' };
const onlyVerified = ['verification.completed'];

interface Payload {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const typesOf = ({ received }: Receiver): readonly string[] =>
  received.map(({ body }) => (JSON.parse(body) as Payload).type);
const idOf = (received: Received | undefined): unknown => received?.headers['webhook-id'];
const headersOf = ({ headers }: Received): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

describe('an event', () => {
  test('says whether the address is disposable, where that is asked for', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver();
    await createEndpoint(scene, receiver.url, onlyVerified);
    await scene.start({ ...onLoopback, DISPOSABLE_DOMAINS: 'flag', DISPOSABLE_ALLOW: 'yopmail.com' });
    for (const domain of ['mailinator.com', 'yopmail.com', 'example.org']) {
      const { accountId } = await register(scene.db, `reader@${domain}`);
      await verifyAccountByAdmin(scene.db, accountId);
    }
    const received = await eventually(
      'all arrive',
      () => receiver.received.length === 3 && receiver.received,
    );
    const flags = received.map(({ body }) => {
      const { account } = (JSON.parse(body) as Payload).data as { account: Record<string, unknown> };
      return [account['email'], account['emailIsDisposable']];
    });
    expect(Object.fromEntries(flags)).toEqual({
      'reader@mailinator.com': true,
      'reader@yopmail.com': false,
      'reader@example.org': false,
    });
  });

  test('arrives signed, and any Standard Webhooks library verifies it', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver();
    const endpoint = await createEndpoint(scene, receiver.url, onlyVerified);
    const worker = await scene.start(onLoopback);
    const { accountId, email } = await verifySomebody(scene);
    const [received] = await eventually(
      'it arrives',
      () => receiver.received.length > 0 && receiver.received,
    );
    if (received === undefined) throw new Error('nothing arrived');
    const payload = new Webhook(endpoint.secret.reveal()).verify(received.body, headersOf(received));
    expect(payload).toEqual({
      type: 'verification.completed',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      data: {
        sequence: 1,
        organizationId: expect.any(String) as string,
        account: { id: accountId, email, phone: null, status: 'active' },
        message: null,
        channel: 'email',
        purpose: null,
        method: 'admin',
        reason: null,
      },
    });
    expect(received.headers).toMatchObject({
      'content-type': 'application/json',
      host: `127.0.0.1:${receiver.port}`,
    });
    const wrong = { ...headersOf(received), 'webhook-id': 'another' };
    expect(() => new Webhook(endpoint.secret.reveal()).verify(received.body, wrong)).toThrow('signature');
    await untilDelivery(scene, endpoint, ({ status }) => status === 'delivered');
    await eventually(
      'it is counted',
      async () =>
        (await readMetric(
          worker,
          'reconfirm_event_attempts_total{outcome="delivered",said="status_2xx"}',
        )) === 1,
    );
  });

  test('is verified by the old and by the new secret while one is rotated', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver();
    const endpoint = await createEndpoint(scene, receiver.url, onlyVerified);
    const newSecret = await rotate(scene, endpoint);
    await scene.start(onLoopback);
    await verifySomebody(scene);
    const [received] = await eventually(
      'it arrives',
      () => receiver.received.length > 0 && receiver.received,
    );
    if (received === undefined) throw new Error('nothing arrived');
    for (const secret of [newSecret, endpoint.secret])
      expect(new Webhook(secret.reveal()).verify(received.body, headersOf(received))).toBeDefined();
    expect(String(received.headers['webhook-signature']).split(' ')).toHaveLength(2);
  });

  test('that was refused is sent again with the same id and body and a new time, eight times, then it is dead and can be replayed', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver(() => 500);
    const endpoint = await createEndpoint(scene, receiver.url, onlyVerified);
    await scene.start(onLoopback);
    await verifySomebody(scene);
    const planned = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];
    for (const [failures, seconds] of planned.entries()) {
      const waiting = await untilDelivery(scene, endpoint, (d) => d.failures === failures + 1);
      const waitSeconds = (waiting.nextAt.getTime() - Date.now()) / 1000;
      expect(waitSeconds).toBeGreaterThan(seconds * 0.9 - 3);
      expect(waitSeconds).toBeLessThanOrEqual(seconds * 1.1);
      expect(receiver.received).toHaveLength(failures + 1);
      await skipEventWaits(scene);
    }
    const dead = await untilDelivery(scene, endpoint, ({ status }) => status === 'dead');
    expect(dead.attempts).toHaveLength(8);
    expect(new Set(receiver.received.map(idOf))).toEqual(new Set([dead.eventId]));
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);

    receiver.answer(() => 200);
    expect(await replayDeliveries(scene.db, endpoint.id, { status: 'dead' })).toBe(1);
    await untilDelivery(scene, endpoint, ({ status }) => status === 'delivered');
    expect(idOf(receiver.received.at(-1))).toBe(dead.eventId);
    const times = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']));
    expect(times.at(-1)).toBeGreaterThan(times[0] ?? Infinity);
    for (const received of receiver.received)
      expect(new Webhook(endpoint.secret.reveal()).verify(received.body, headersOf(received))).toBeDefined();
  }, 60_000);

  test('that is answered 410 switches its endpoint off, and nothing goes there any more', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using gone = await startReceiver(() => 410);
    await using other = await startReceiver();
    const endpoint = await createEndpoint(scene, gone.url, onlyVerified);
    await createEndpoint(scene, other.url, onlyVerified);
    await scene.start(onLoopback);
    await verifySomebody(scene);
    await untilDelivery(scene, endpoint, ({ status }) => status === 'dead');
    await verifySomebody(scene);
    await eventually('the other hears of both', () => other.received.length === 2);
    expect(gone.received).toHaveLength(1);
    expect(await logOf(scene, endpoint)).toHaveLength(1);
  });

  test.each([
    ['a redirect', { status: 307, location: 'http://127.0.0.1:1/elsewhere' }, 307],
    ['an answer without end', { status: 200, body: 'x'.repeat(5_000_000) }, 200],
  ] as const)(
    '%s is an answer like any other, and no more than its head matters',
    async (_, reply, status) => {
      await using inbox = await startInbox();
      await using scene = await openScene(inbox.url);
      await using receiver = await startReceiver(() => reply);
      const endpoint = await createEndpoint(scene, receiver.url, onlyVerified);
      await scene.start(onLoopback);
      await verifySomebody(scene);
      const delivery = await untilDelivery(scene, endpoint, ({ attempts }) => attempts.length === 1);
      expect(delivery).toMatchObject({
        status: status === 200 ? 'delivered' : 'pending',
        attempts: [{ statusCode: status }],
      });
    },
  );

  test('of every kind that its endpoint wants arrives, and no other; a mail that is sent is one', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using all = await startReceiver();
    await using some = await startReceiver();
    await createEndpoint(scene, all.url);
    await createEndpoint(scene, some.url, ['message.sent', 'contact.changed']);
    await scene.start(onLoopback);
    const { messageId } = await register(scene.db, 'reader@example.org');
    expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });
    await verifySomebody(scene);
    await eventually('both arrive', () =>
      ['message.sent', 'verification.completed'].every((type) => typesOf(all).includes(type)),
    );
    await eventually('one arrives', () => some.received.length > 0);
    expect(typesOf(some)).not.toContain('verification.completed');
    const sent = all.received
      .map(({ body }) => JSON.parse(body) as Payload)
      .find((p) => p.type === 'message.sent');
    expect(sent?.data).toMatchObject({
      account: { email: 'reader@example.org' },
      message: { id: messageId },
      purpose: 'signup',
    });
  });

  test('leaves no secret, address or URL in a log line or a row of its own', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver(() => ({ status: 500, body: 'canary-answer' }));
    const endpoint = await createEndpoint(scene, `${receiver.url}?key=canary-key`, onlyVerified);
    await scene.start({ ...onLoopback, LOG_LEVEL: 'trace' });
    const { email } = await verifySomebody(scene);
    await untilDelivery(scene, endpoint, ({ failures }) => failures === 1);
    const secret = endpoint.secret.reveal().slice('whsec_'.length);
    const { db } = scene;
    const kept = JSON.stringify([
      await db.selectFrom('outgoing_events').selectAll().execute(),
      await db.selectFrom('webhook_deliveries').selectAll().execute(),
      await db.selectFrom('webhook_attempts').selectAll().execute(),
    ]);
    const { secret_sealed: sealed } = await db
      .selectFrom('webhook_endpoints')
      .select('secret_sealed')
      .executeTakeFirstOrThrow();
    const logged = JSON.stringify(scene.lines);
    expect(logged).toContain('event.attempted');
    for (const hidden of [email, secret, 'canary-']) {
      expect({ hidden, told: logged.includes(hidden) }).toEqual({ hidden, told: false });
      expect({ hidden, kept: kept.includes(hidden) || sealed.includes(hidden) }).toEqual({
        hidden,
        kept: false,
      });
    }
  });
});

describe('a rotated ring of keys', () => {
  test('seals the secrets anew, so that the older key can be dropped and events still go', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver();
    const endpoint = await createEndpoint(scene, receiver.url, onlyVerified);
    const newKey = `2:${Buffer.alloc(32, 2).toString('base64')}`;
    const both = `${scene.environment()['TOKEN_KEYS'] ?? ''},${newKey}`;
    const worker = await scene.start({ ...onLoopback, TOKEN_KEYS: both });
    await eventually('they are sealed anew', () =>
      scene.lines.some((line) => line['msg'] === 'events.secrets_resealed'),
    );
    await worker.stop(2000);
    await scene.start({ ...onLoopback, TOKEN_KEYS: newKey });
    await verifySomebody(scene);
    const [received] = await eventually(
      'it arrives',
      () => receiver.received.length > 0 && receiver.received,
    );
    if (received === undefined) throw new Error('nothing arrived');
    expect(new Webhook(endpoint.secret.reveal()).verify(received.body, headersOf(received))).toBeDefined();
  });

  test('that lacks the key is told to the operator, and the event waits for it', async () => {
    await using inbox = await startInbox();
    await using scene = await openScene(inbox.url);
    await using receiver = await startReceiver();
    const endpoint = await createEndpoint(scene, receiver.url, onlyVerified);
    await scene.start({ ...onLoopback, TOKEN_KEYS: `2:${Buffer.alloc(32, 2).toString('base64')}` });
    await verifySomebody(scene);
    const delivery = await untilDelivery(scene, endpoint, ({ failures }) => failures === 1);
    expect(delivery.attempts).toMatchObject([{ failure: 'secret_unreadable' }]);
    expect(receiver.received).toEqual([]);
    expect(scene.lines.find((line) => line['msg'] === 'event.secret_unreadable')).toBeDefined();
  });
});
