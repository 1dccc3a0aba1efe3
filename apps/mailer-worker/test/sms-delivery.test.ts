import { createHash } from 'node:crypto';
import { hashCode } from '@reconfirm/core/code';
import { storeDeliveryEvent } from '@reconfirm/db/delivery-events';
import { confirmToken } from '@reconfirm/db/verifications';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.ts';
import { hashKey, register } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';
import { answers, type Behaviour, startSmsProvider, type SmsProviderServer } from './support/sms-provider.ts';
import { httpSms, newNumber, registerPhone, relaySms, requestSms, spendOf } from './support/sms-requests.ts';

const deadSmtp = 'smtp://127.0.0.1:9';

const hangUp: Behaviour = (response) => void response.destroy();
const sayNothing: Behaviour = () => {};

describe('SMS through a gateway over HTTP', () => {
  let scene: Scene;
  let provider: SmsProviderServer;
  beforeAll(async () => {
    scene = await openScene(deadSmtp);
    provider = await startSmsProvider(answers(200, { id: 'gateway-1' }));
    await scene.start({ ...httpSms(provider.url), REDIRECT_ORIGINS: 'https://app.example.com' });
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });

  const sendTo = async (phone: string) => {
    const { accountId, messageId } = await registerPhone(scene.db, phone);
    await scene.ringSms(messageId);
    const row = await scene.settled(messageId);
    return { accountId, row };
  };
  const requestOf = (messageId: string) => provider.requests.filter(({ body }) => body.includes(messageId));

  test('a code is sent once, is the stored one, costs its price, and proves the number', async () => {
    const phone = newNumber();
    const { accountId, row } = await sendTo(phone);
    expect(row).toMatchObject({ status: 'sent', provider: 'http', provider_message_id: 'gateway-1' });
    const [request, ...more] = requestOf(row.id);
    expect(more).toEqual([]);
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer token-of-the-gateway',
      'idempotency-key': row.id,
    });
    const body = JSON.parse(request?.body ?? '') as Record<string, string>;
    expect(body).toMatchObject({
      id: row.id,
      to: phone,
      callbackUrl: 'https://verify.example.com/v1/sms/webhook',
    });
    const code = /\b\d{6}\b/.exec(body['text'] ?? '')?.[0] ?? '';
    expect(code).toHaveLength(6);
    expect(body['text']).toBe(
      `${code} is your code for Reconfirm. It works for 10 minutes.\n@verify.example.com #${code}`,
    );
    const verification = await scene.db
      .selectFrom('verifications')
      .select('code_hash')
      .where('message_id', '=', row.id)
      .executeTakeFirstOrThrow();
    expect(verification.code_hash).toEqual(hashCode(hashKey, row.id, code));
    const blank = { attempt: 1, country: 'DK', cost_micros: '50000', judged: true, released_at: null };
    expect(await spendOf(scene.db, row.id)).toEqual([
      { ...blank, prefix: phone.slice(0, 8), verified_at: null },
    ]);

    expect(await confirmToken(scene.db, { by: 'code', messageId: row.id }, ['sms'])).toMatchObject({
      state: 'live',
    });
    expect(await spendOf(scene.db, row.id)).toMatchObject([{ verified_at: expect.any(Date) }]);
    const events = await scene.db
      .selectFrom('account_events')
      .select('type')
      .where('account_id', '=', accountId)
      .orderBy('id')
      .execute();
    expect(events.map(({ type }) => type)).toEqual(['VERIFICATION_SMS_SENT', 'PHONE_VERIFIED']);
  });

  test('a code of another system goes in our words, is paid for, and is not held against its number block', async () => {
    const phone = newNumber();
    const id = await relaySms(scene, phone, '305805');
    await scene.ringSms(id);
    expect(await scene.settled(id)).toMatchObject({ status: 'sent', account_id: null, sealed: null });
    const body = JSON.parse(requestOf(id)[0]?.body ?? '') as Record<string, string>;
    expect(body).toMatchObject({
      to: phone,
      text: '305805 is your code for Reconfirm. It works for 10 minutes.\n@verify.example.com #305805',
    });
    expect(await spendOf(scene.db, id)).toMatchObject([{ country: 'DK', judged: false, released_at: null }]);
    expect(
      await scene.db.selectFrom('verifications').select('message_id').where('message_id', '=', id).execute(),
    ).toEqual([]);
  });

  test('a code is bound to the page of the application that asked, in its language', async () => {
    const { messageId } = await registerPhone(scene.db, newNumber(), {
      locale: 'de',
      redirectUrl: 'https://app.example.com/verify',
    });
    await scene.ringSms(messageId);
    await scene.settled(messageId);
    const { text } = JSON.parse(requestOf(messageId)[0]?.body ?? '') as Record<string, string>;
    expect(text).toMatch(/^\d{6} ist Ihr Code [^\n]+\n@app\.example\.com #\d{6}$/);
  });

  test('the number of nobody gets nothing and costs nothing', async () => {
    const id = await requestSms(scene.db, newNumber());
    expect(await scene.settled(id)).toMatchObject({ status: 'skipped', reason: 'unknown_account' });
    expect(requestOf(id)).toEqual([]);
    expect(await spendOf(scene.db, id)).toEqual([]);
  });

  test.each([
    ['+12025550123', 'sms_country_not_allowed'],
    ['+4590123456', 'sms_number_not_allowed'],
    ['+4633123456', 'sms_number_not_allowed'],
    ['+979123456789', 'sms_number_not_allowed'],
  ])('%s gets nothing: %s', async (phone, reason) => {
    const { row } = await sendTo(phone);
    expect(row).toMatchObject({ status: 'skipped', reason, attempt: 1 });
    expect(requestOf(row.id)).toEqual([]);
    expect(await scene.attempts(row.id)).toEqual([]);
  });

  test('a mail goes by the mail lane while SMS go by theirs, and the ring of the wrong queue sends nothing', async () => {
    const { messageId } = await register(scene.db, 'mail@example.org');
    const { row } = await sendTo(newNumber());
    expect(row.status).toBe('sent');
    // The scene's bell rings in the queue of mail whatever it is given; the mail lane claims no SMS.
    await scene.ring(row.id);
    await eventually('the mail was tried', async () => (await scene.attempts(messageId)).length > 0);
    expect(requestOf(messageId)).toEqual([]);
    expect(requestOf(row.id)).toHaveLength(1);
  });

  test.each([
    ['400 with a word', 'bounced', 'number_invalid', 'released', answers(400, { code: 'number_invalid' })],
    ['400 without one', 'bounced', 'message_refused', 'released', answers(400, 'no')],
    ['a disconnect after the request was read', 'gave_up', 'connection_lost', 'kept', hangUp],
    ['silence', 'gave_up', 'timeout', 'kept', sayNothing],
  ])('%s ends as %s (%s), and its money is %s', async (_what, status, reason, money, behaviour) => {
    provider.behave(behaviour);
    const { row } = await sendTo(newNumber());
    provider.behave(answers(200, { id: 'gateway-1' }));
    expect(row).toMatchObject({ status, reason });
    expect(requestOf(row.id)).toHaveLength(1);
    const isKept = async () => (await spendOf(scene.db, row.id))[0]?.released_at === null;
    // Money goes back after the record is written.
    await expect.poll(isKept, { timeout: 5000 }).toBe(money === 'kept');
  });

  test('an answer that trickles is judged by its status, before the deadline is long over', async () => {
    const timers: NodeJS.Timeout[] = [];
    provider.behave((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      timers.push(setInterval(() => response.write(' '), 50));
    });
    const startedMs = performance.now();
    const { row } = await sendTo(newNumber());
    timers.forEach((timer) => clearInterval(timer));
    provider.behave(answers(200, { id: 'gateway-1' }));
    expect(row.status).toBe('sent');
    expect(performance.now() - startedMs).toBeLessThan(6000);
  });

  test('headers that trickle never finish, and are given up as unknown', async () => {
    const timers: NodeJS.Timeout[] = [];
    provider.behave((response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\n');
      timers.push(setInterval(() => response.socket?.write('x-a: b\r\n'), 50));
    });
    const { row } = await sendTo(newNumber());
    timers.forEach((timer) => clearInterval(timer));
    provider.behave(answers(200, { id: 'gateway-1' }));
    expect(row).toMatchObject({ status: 'gave_up', reason: 'timeout' });
  });

  test('what was given up because nobody knows becomes delivered when the provider says so', async () => {
    provider.behave((response) => response.destroy());
    const { row } = await sendTo(newNumber());
    provider.behave(answers(200, { id: 'gateway-1' }));
    expect(row.status).toBe('gave_up');
    const outcome = await storeDeliveryEvent(scene.db, {
      provider: 'http',
      event: { type: 'delivered', eventId: `event ${row.id}`, messageId: row.id, occurredAt: new Date() },
      replayKey: createHash('sha256').update(row.id).digest(),
      bodyHash: createHash('sha256').update(row.id).digest(),
    });
    expect(outcome).toBe('applied');
    expect(await scene.message(row.id)).toMatchObject({ status: 'delivered' });
    expect(await confirmToken(scene.db, { by: 'code', messageId: row.id }, ['sms'])).toMatchObject({
      state: 'live',
    });
  });

  test.each([
    ['429 with Retry-After', 'throttled', 110, answers(429, '', { 'retry-after': '120' })],
    ['503', 'unavailable', 3, answers(503, '')],
    ['500 of a gateway that folds repetitions by our key', 'unavailable', 3, answers(500, '')],
  ])(
    '%s (%s) is tried again later, with the same code, and pays for what is sent only',
    async (_what, code, waitsSeconds, behaviour) => {
      provider.behave(behaviour);
      const { messageId } = await registerPhone(scene.db, newNumber());
      const deferred = await eventually('deferred', async () => {
        const row = await scene.message(messageId);
        return row.status === 'deferred' && row.reason === code ? row : undefined;
      });
      expect((deferred.next_at.getTime() - Date.now()) / 1000).toBeGreaterThan(waitsSeconds - 1);
      await eventually('released', async () => (await spendOf(scene.db, messageId))[0]?.released_at);
      provider.behave(answers(200, { id: 'gateway-2' }));
      await scene.skipWait(messageId);
      expect(await scene.settled(messageId)).toMatchObject({ status: 'sent', failures: 1 });
      const texts = new Set(requestOf(messageId).map(({ body }) => body));
      expect(texts.size, 'both attempts are the same request').toBe(1);
      expect((await spendOf(scene.db, messageId)).map((spend) => spend.released_at === null)).toEqual([
        false,
        true,
      ]);
    },
  );

  test('an SMS that could not leave while it was of use is given up', async () => {
    provider.behave(answers(503, ''));
    const { messageId } = await registerPhone(scene.db, newNumber());
    await eventually('deferred', async () => (await scene.message(messageId)).status === 'deferred');
    await scene.db
      .updateTable('messages')
      .set({ accepted_at: new Date(Date.now() - 601_000) })
      .where('id', '=', messageId)
      .execute();
    provider.behave(answers(200, { id: 'gateway-3' }));
    await scene.skipWait(messageId);
    expect(await scene.settled(messageId)).toMatchObject({ status: 'gave_up', reason: 'too_late' });
    expect(requestOf(messageId)).toHaveLength(1);
  });

  test('no number, text or code is logged, and nothing of the kind is in a row but the account', async () => {
    const text = JSON.stringify(scene.lines);
    expect(text).not.toMatch(/\+45\d{6,}/);
    for (const { body } of provider.requests) {
      const code = /#(\d{6})/.exec(body)?.[1] ?? 'none';
      expect(text).not.toContain(code);
    }
    expect(text).not.toContain('token-of-the-gateway');
  });
});
