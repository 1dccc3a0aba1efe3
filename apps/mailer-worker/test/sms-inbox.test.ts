import { startInbox } from '@reconfirm/local-stack';
import { confirmToken } from '@reconfirm/db/verifications';
import { expect, test } from 'vitest';
import { openScene } from './support/scene.ts';
import { registerPhone } from './support/sms-requests.ts';

test('with the settings of npm start an SMS arrives in the inbox, where its code is found by the number', async () => {
  await using inbox = await startInbox();
  await using scene = await openScene(inbox.smtpUrl);
  await scene.start({
    SMS_PROVIDER: 'http',
    SMS_HTTP_URL: `http://127.0.0.1:${inbox.httpPort}/sms`,
    SMS_COUNTRIES: '*',
    SMS_ALLOW_PREFIXES: 'DK:+4512',
    SMS_PRICES: 'default=0.01',
    PUBLIC_URL: 'http://localhost:3000',
  });
  const { messageId } = await registerPhone(scene.db, '+4512345678');
  await scene.ringSms(messageId);
  const sms = await inbox.next({ to: '+45 12 34 56 78' });
  expect(sms).toMatchObject({ channel: 'sms', code: expect.stringMatching(/^\d{6}$/) as string });
  expect(sms?.text?.split('\n').at(-1)).toBe(`@localhost #${sms?.code}`);
  expect(await scene.settled(messageId)).toMatchObject({ status: 'sent' });
  expect(await confirmToken(scene.db, { by: 'code', messageId }, ['sms'])).toMatchObject({ state: 'live' });

  const refused = await registerPhone(scene.db, '+4512340001');
  await scene.ringSms(refused.messageId);
  expect(await scene.settled(refused.messageId)).toMatchObject({
    status: 'bounced',
    reason: 'number_invalid',
  });
});
