import { releasePause } from '@reconfirm/db/sms-spend';
import { expect, test } from 'vitest';
import { readMetric } from './support/ops-port.ts';
import { openScene, type Scene } from './support/scene.ts';
import { answers, startSmsProvider } from './support/sms-provider.ts';
import { httpSms, registerPhone } from './support/sms-requests.ts';

const deadSmtp = 'smtp://127.0.0.1:9';

/** Sends one SMS after the other to numbers of one block; resolves with what became of each. */
const sendMany = async (scene: Scene, block: string, count: number, from = 0): Promise<readonly string[]> => {
  const outcomes: string[] = [];
  for (let index = from; index < from + count; index += 1) {
    const { messageId } = await registerPhone(scene.db, `${block}${100 + index}`);
    await scene.ringSms(messageId);
    const { status, reason } = await scene.settled(messageId);
    outcomes.push(reason ?? status);
  }
  return outcomes;
};

/** Moves what was sent far enough into the past to be judged. */
const letCodesGoUnused = async (scene: Scene): Promise<void> => {
  await scene.db
    .updateTable('sms_sends')
    .set({ reserved_at: new Date(Date.now() - 600_000) })
    .execute();
};

test('a number block gets as many as it may, then nothing, and the provider is not even called', async () => {
  await using scene = await openScene(deadSmtp);
  await using provider = await startSmsProvider(answers(200, {}));
  const worker = await scene.start({ ...httpSms(provider.url), SMS_BUDGET_PREFIX: '2' });
  expect(await sendMany(scene, '+4520300', 4)).toEqual([
    'sent',
    'sent',
    'sms_budget_prefix',
    'sms_budget_prefix',
  ]);
  expect(await sendMany(scene, '+4520301', 1)).toEqual(['sent']);
  expect(provider.requests).toHaveLength(3);
  expect(await readMetric(worker, 'reconfirm_sms_sent_total{country="DK"}')).toBe(3);
  expect(await readMetric(worker, 'reconfirm_sms_spend_total{country="DK"}')).toBeCloseTo(0.15);
  expect(await readMetric(worker, 'reconfirm_sms_refused_total{reason="sms_budget_prefix"}')).toBe(2);
});

test('the money of all SMS is never passed, whatever each of them costs', async () => {
  await using scene = await openScene(deadSmtp);
  await using provider = await startSmsProvider(answers(200, {}));
  await scene.start({ ...httpSms(provider.url), SMS_BUDGET_GLOBAL: '0.24/10' });
  expect(await sendMany(scene, '+46701740', 2)).toEqual(['sent', 'sent']);
  // Sweden costs 0.10 and Denmark 0.05: the two have left 0.04.
  expect(await sendMany(scene, '+4520302', 1)).toEqual(['sms_budget_global']);
});

test('a block whose codes are not used is paused until an operator releases it; others go on', async () => {
  await using scene = await openScene(deadSmtp);
  await using provider = await startSmsProvider(answers(200, {}));
  await scene.start({ ...httpSms(provider.url), SMS_PAUSE_AFTER_SENDS: '5', SMS_BUDGET_PREFIX: '1000' });
  expect(await sendMany(scene, '+4520303', 5)).toEqual(['sent', 'sent', 'sent', 'sent', 'sent']);
  await letCodesGoUnused(scene);
  expect(await sendMany(scene, '+4520303', 2, 5)).toEqual(['sms_prefix_paused', 'sms_prefix_paused']);
  expect(provider.requests).toHaveLength(5);
  expect(scene.lines.filter((line) => line['msg'] === 'sms.paused')).toMatchObject([
    { level: 50, scope: 'prefix:+4520303', sent: 5, verified: 0 },
  ]);
  // Denmark as a whole is judged by the same five and is paused with the next SMS to it.
  expect(await sendMany(scene, '+4520304', 1)).toEqual(['sms_country_paused']);
  expect(await sendMany(scene, '+46701740', 1)).toEqual(['sent']);
  await releasePause(scene.db, 'prefix:+4520303');
  await releasePause(scene.db, 'country:DK');
  expect(await sendMany(scene, '+4520303', 1, 7)).toEqual(['sent']);
});
