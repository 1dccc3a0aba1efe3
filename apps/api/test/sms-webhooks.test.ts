import { createHash, createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, openInstallation, publicUrl, type TestApi } from './support/installation.ts';
import { sendSms } from './support/phones.ts';
import { type Answer, getAsAdmin } from './support/requests.ts';

const token = 'auth-token-of-the-tests';
const olderToken = 'older-auth-token-of-the-tests';
const secret = randomBytes(24).toString('base64');

let installation: Installation;
let api: TestApi;
beforeAll(async () => {
  installation = await openInstallation();
  api = await installation.startApi({
    SMS_PROVIDER: 'twilio',
    SMS_COUNTRIES: 'DK',
    TWILIO_AUTH_TOKEN: `${token},${olderToken}`,
    SMS_WEBHOOK_SECRET: `whsec_${secret}`,
  });
});
afterAll(() => installation.close());

const messageOf = async (messageId: string) =>
  installation.db
    .selectFrom('messages')
    .select(['status', 'reason'])
    .where('id', '=', messageId)
    .executeTakeFirstOrThrow();

const sidOf = (messageId: string): string => `SM${messageId.replaceAll('-', '')}`;

const twilioMac = (text: string, key: string): string =>
  createHmac('sha1', key).update(text).digest('base64');

/** A status callback as Twilio makes it, signed over the URL that it was given. */
const twilioReport = (
  messageId: string,
  status: string,
  more: { readonly fields?: Record<string, string>; readonly key?: string; readonly url?: string } = {},
): Promise<Answer> => {
  const path = more.url ?? `/v1/twilio/webhook?m=${messageId}`;
  const fields: Record<string, string> = {
    AccountSid: 'AC0123456789abcdef0123456789abcdef',
    From: '+15005550006',
    MessageSid: sidOf(messageId),
    MessageStatus: status,
    To: '+4520123456',
    ...more.fields,
  };
  const sorted = Object.keys(fields)
    .toSorted()
    .map((name) => `${name}${fields[name] ?? ''}`)
    .join('');
  return api.app.inject({
    method: 'POST',
    url: path,
    headers: {
      host: 'evil.example.net',
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      'x-twilio-signature': twilioMac(`${publicUrl}${path}${sorted}`, more.key ?? token),
    },
    payload: new URLSearchParams(fields).toString(),
  });
};

describe('POST /v1/twilio/webhook', () => {
  it.each([
    ['queued', {}, 'sent', null],
    ['sent', {}, 'sent', null],
    ['delivered', {}, 'delivered', null],
    [
      'undelivered',
      { ErrorCode: '30003' },
      'undelivered',
      '30003: the phone could not be reached: off, out of coverage or out of service',
    ],
    [
      'undelivered',
      { ErrorCode: '30006' },
      'bounced',
      '30006: the number cannot receive SMS (a landline, or a carrier that does not take them)',
    ],
    [
      'failed',
      { ErrorCode: '21408' },
      'undelivered',
      '21408: our account at the SMS provider may not send to that country',
    ],
    [
      'failed',
      { ErrorCode: '21610' },
      'complained',
      '21610: the recipient has answered STOP, so the provider carries nothing to the number',
    ],
    ['something_new', {}, 'sent', null],
  ])('"%s" %j moves the message to %s', async (status, fields, expected, reason) => {
    const { messageId } = await sendSms(installation.db, api, 'twilio');
    const answer = await twilioReport(messageId, status, { fields });
    expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true }]);
    expect(await messageOf(messageId)).toEqual({ status: expected, reason });
  });

  it('a report that comes late outranks our own conclusion, and a still later lower one changes nothing', async () => {
    const { messageId, accountId } = await sendSms(installation.db, api, 'twilio', 'gave_up');
    expect(await messageOf(messageId)).toMatchObject({ status: 'gave_up' });
    await twilioReport(messageId, 'delivered');
    await twilioReport(messageId, 'sent');
    expect(await messageOf(messageId)).toMatchObject({ status: 'delivered' });
    const events = await installation.db
      .selectFrom('account_events')
      .select('type')
      .where('account_id', '=', accountId)
      .orderBy('id')
      .execute();
    expect(events.map(({ type }) => type)).toEqual(['VERIFICATION_SMS_FAILED', 'VERIFICATION_SMS_DELIVERED']);
  });

  it('the same report twice counts once', async () => {
    const { messageId } = await sendSms(installation.db, api, 'twilio');
    for (let times = 0; times < 3; times += 1)
      expect((await twilioReport(messageId, 'delivered')).statusCode).toBe(200);
    const events = await installation.db
      .selectFrom('delivery_events')
      .select('id')
      .where('message_id', '=', messageId)
      .execute();
    expect(events).toHaveLength(1);
  });

  it('either token will do while they are being replaced; a foreign one, none, or another URL will not', async () => {
    const { messageId } = await sendSms(installation.db, api, 'twilio');
    expect((await twilioReport(messageId, 'sent', { key: olderToken })).statusCode).toBe(200);
    expect((await twilioReport(messageId, 'delivered', { key: 'foreign' })).statusCode).toBe(401);
    const other = await sendSms(installation.db, api, 'twilio');
    const stolen = twilioMac(
      `${publicUrl}/v1/twilio/webhook?m=${messageId}MessageSidSM1MessageStatusdelivered`,
      token,
    );
    const answers = await Promise.all(
      [{ 'x-twilio-signature': stolen }, {}].map((headers) =>
        api.app.inject({
          method: 'POST',
          url: `/v1/twilio/webhook?m=${other.messageId}`,
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
          payload: 'MessageSid=SM1&MessageStatus=delivered',
        }),
      ),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([401, 401]);
    expect(await messageOf(other.messageId)).toMatchObject({ status: 'sent' });
    expect(await messageOf(messageId)).toMatchObject({ status: 'sent' });
  });

  it('a JSON body is covered by the digest in the signed URL, and by nothing else', async () => {
    const { messageId } = await sendSms(installation.db, api, 'twilio');
    const body = JSON.stringify({ MessageSid: sidOf(messageId), MessageStatus: 'delivered' });
    const digest = createHash('sha256').update(body).digest('hex');
    const url = `/v1/twilio/webhook?m=${messageId}&bodySHA256=${digest}`;
    const postJson = (payload: string): Promise<Answer> =>
      api.app.inject({
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/json',
          'x-twilio-signature': twilioMac(`${publicUrl}${url}`, token),
        },
        payload,
      });
    expect((await postJson(body.replace('delivered', 'failed'))).statusCode).toBe(401);
    expect((await postJson(body)).statusCode).toBe(200);
    expect(await messageOf(messageId)).toMatchObject({ status: 'delivered' });
  });

  it('a report of a message that is not ours is parked and answers 200', async () => {
    const answer = await twilioReport('0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01', 'delivered');
    expect(answer.statusCode).toBe(200);
  });

  it('no number of a report is logged or kept', async () => {
    expect(api.logged()).not.toContain('+4520123456');
    const rows = await installation.db.selectFrom('delivery_events').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain('20123456');
  });
});

describe('POST /v1/sms/webhook', () => {
  const report = (
    data: object,
    type: string,
    more: { readonly key?: string; readonly id?: string; readonly ageSeconds?: number } = {},
  ): Promise<Answer> => {
    const id = more.id ?? `msg_${randomBytes(8).toString('hex')}`;
    const timestamp = String(Math.floor(Date.now() / 1000) - (more.ageSeconds ?? 0));
    const body = JSON.stringify({ type, data });
    const key = Buffer.from(more.key ?? secret, 'base64');
    const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    return api.app.inject({
      method: 'POST',
      url: '/v1/sms/webhook',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')} v1,${mac}`,
      },
      payload: body,
    });
  };

  it.each([
    ['sms.sent', {}, 'sent', null],
    ['sms.delivered', {}, 'delivered', null],
    [
      'sms.failed',
      { code: 'number_unknown' },
      'bounced',
      'number_unknown: the network does not know the number: it may be out of service',
    ],
    ['sms.opted_out', {}, 'complained', null],
    ['sms.something_new', {}, 'sent', null],
  ])('"%s" %j moves the message to %s', async (type, more, status, reason) => {
    const { messageId } = await sendSms(installation.db, api, 'http');
    const answer = await report({ id: messageId, ...more }, type);
    expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true }]);
    expect(await messageOf(messageId)).toEqual({ status, reason });
  });

  it('a foreign key, an old time and a used id with another body change nothing', async () => {
    const { messageId } = await sendSms(installation.db, api, 'http');
    const refused = [
      await report({ id: messageId }, 'sms.delivered', { key: randomBytes(24).toString('base64') }),
      await report({ id: messageId }, 'sms.delivered', { ageSeconds: 400 }),
    ];
    expect(refused.map(({ statusCode }) => statusCode)).toEqual([401, 401]);
    expect((await report({ id: messageId }, 'sms.sent', { id: 'msg_once' })).statusCode).toBe(200);
    expect((await report({ id: messageId }, 'sms.delivered', { id: 'msg_once' })).statusCode).toBe(401);
    expect(await messageOf(messageId)).toMatchObject({ status: 'sent' });
  });
});

describe('support reads', () => {
  it('why an SMS failed, by its number, in words of phones and not of mailboxes', async () => {
    const { messageId } = await sendSms(installation.db, api, 'twilio');
    await twilioReport(messageId, 'undelivered', { fields: { ErrorCode: '30005' } });
    const answer = await getAsAdmin(api, `/v1/admin/messages/${messageId}`);
    const { summary, message } = answer.json<{ summary: string; message: { channel: string } }>();
    expect(message.channel).toBe('sms');
    expect(summary).toMatch(
      /^The number takes no SMS\. Ask the person for another number, or to correct a typing mistake\. Nothing is sent to the number before /,
    );
    expect(answer.body).not.toMatch(/mailbox|mail server|spam folder/);
  });
});
