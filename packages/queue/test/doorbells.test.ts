import { testStores } from '@reconfirm/local-stack/testing';
import { expect, test } from 'vitest';
import { createDoorbells } from '../src/doorbells.ts';
import { createMailWorker } from '../src/mail-worker.ts';
import { newId, openPostgresQueue, openRedisQueue, ringTimeoutMs } from './support/backends.ts';
import { listen, seenWithinMs } from './support/handled.ts';

test('a ring is heard by the worker of its channel and by no other', async () => {
  const { redisUrl } = testStores();
  await using queue = redisUrl === null ? await openPostgresQueue() : openRedisQueue(redisUrl);
  const doorbell = createDoorbells({
    backend: queue.forRings,
    timeoutMs: 10 * ringTimeoutMs,
    onChange: () => {},
  });
  await using mail = listen(queue.forJobs);
  const heard: string[] = [];
  const sms = createMailWorker({
    backend: queue.forJobs,
    channel: 'sms',
    concurrency: 1,
    rate: undefined,
    ringAll: async () => false,
    handle: async (messageId) => void heard.push(messageId),
    onError: () => {},
  });
  try {
    const [mails, texts] = [
      [newId(), newId()],
      [newId(), newId()],
    ];
    const rang = await doorbell.ringAll([
      ...mails.map((messageId) => ({ messageId, attempt: 0 })),
      ...texts.map((messageId) => ({ messageId, attempt: 0, channel: 'sms' as const })),
    ]);
    expect(rang).toBe(true);
    await expect.poll(() => heard.length + mail.handled.length, { timeout: seenWithinMs }).toBe(4);
    expect(heard.toSorted()).toEqual(texts.toSorted());
    expect(mail.handled.toSorted()).toEqual(mails.toSorted());
    expect(doorbell.isWorking()).toBe(true);
  } finally {
    await sms.close(5000);
    await doorbell.close();
  }
});
