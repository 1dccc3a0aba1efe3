import { describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.ts';
import { readMetric } from './support/ops-port.ts';
import { openScene } from './support/scene.ts';
import { answers, startSmsProvider } from './support/sms-provider.ts';
import {
  newNumber,
  registerPhone,
  spendOf,
  twilioAccount,
  twilioSms,
  twilioToken,
} from './support/sms-requests.ts';

const deadSmtp = 'smtp://127.0.0.1:9';

describe('SMS when the provider refuses us', () => {
  test('401 closes the lane of SMS, costs nobody anything, and mail does not notice', async () => {
    await using scene = await openScene(deadSmtp);
    await using provider = await startSmsProvider(answers(401, { code: 20003 }));
    const worker = await scene.start(twilioSms(provider.url));
    const { messageId } = await registerPhone(scene.db, newNumber());
    await eventually(
      'the lane is closed',
      async () =>
        (await readMetric(worker, 'reconfirm_provider_open{channel="sms",provider="twilio"}')) === 0,
    );
    expect(await readMetric(worker, 'reconfirm_provider_open{channel="email",provider="smtp"}')).toBe(1);
    // The lane closes with the provider's answer, a moment before that is written down.
    const row = await eventually('written down', async () => {
      const message = await scene.message(messageId);
      return message.status === 'sending' ? undefined : message;
    });
    expect(row).toMatchObject({ status: 'deferred', reason: 'auth', failures: 0 });
    await eventually('released', async () => (await spendOf(scene.db, messageId))[0]?.released_at);
    provider.behave(answers(201, { sid: 'SM0123', status: 'queued', error_code: null }));
    await eventually(
      'it goes by itself when the provider takes us again',
      async () => (await scene.message(messageId)).status === 'sent',
      15_000,
    );
  });
});

describe('SMS through Twilio', () => {
  test('the request is the documented one, and 500 is not tried again', async () => {
    await using scene = await openScene(deadSmtp);
    await using provider = await startSmsProvider(
      answers(201, { sid: 'SM0123', status: 'queued', error_code: null }),
    );
    await scene.start(twilioSms(provider.url));
    const phone = newNumber();
    const { messageId } = await registerPhone(scene.db, phone);
    expect(await scene.settled(messageId)).toMatchObject({ status: 'sent', provider_message_id: 'SM0123' });
    const [request] = provider.requests;
    expect(request?.path).toBe(`/2010-04-01/Accounts/${twilioAccount}/Messages.json`);
    expect(request?.headers.authorization).toBe(
      `Basic ${Buffer.from(`${twilioAccount}:${twilioToken}`).toString('base64')}`,
    );
    const form = new URLSearchParams(request?.body);
    expect(form.get('To')).toBe(phone);
    expect(form.get('From')).toBe('+15005550006');
    expect(form.get('StatusCallback')).toBe(`https://verify.example.com/v1/twilio/webhook?m=${messageId}`);

    provider.behave(answers(500, { code: 20500 }));
    const second = await registerPhone(scene.db, newNumber());
    expect(await scene.settled(second.messageId)).toMatchObject({
      status: 'gave_up',
      reason: 'unclear_answer',
    });
    expect(await spendOf(scene.db, second.messageId)).toMatchObject([{ released_at: null }]);

    provider.behave(answers(400, { code: 21211, message: `The 'To' number ${phone} is not valid` }));
    const third = await registerPhone(scene.db, newNumber());
    expect(await scene.settled(third.messageId)).toMatchObject({
      status: 'bounced',
      reason: 'number_invalid',
    });
    expect(await scene.attempts(third.messageId)).toMatchObject([{ reply: 'HTTP 400, 21211' }]);

    provider.behave((response) => {
      response.writeHead(302, { location: `${provider.url}/elsewhere` }).end();
    });
    const fourth = await registerPhone(scene.db, newNumber());
    await eventually(
      'misconfigured',
      async () => (await scene.message(fourth.messageId)).reason === 'settings',
    );
    expect(provider.requests.filter(({ path }) => path === '/elsewhere')).toEqual([]);
  });
});

test('SMS_PROVIDER=none makes the code and sends nothing', async () => {
  await using scene = await openScene(deadSmtp);
  await scene.start();
  const { messageId } = await registerPhone(scene.db, newNumber());
  expect(await scene.settled(messageId)).toMatchObject({ status: 'skipped', reason: 'sms_off' });
  const verification = await scene.db
    .selectFrom('verifications')
    .select('code_hash')
    .where('message_id', '=', messageId)
    .executeTakeFirst();
  expect(verification?.code_hash).toHaveLength(32);
});
