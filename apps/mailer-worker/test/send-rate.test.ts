import { openSilentPort } from '@reconfirm/local-stack';
import { expect, test } from 'vitest';
import { type ReceivedMail, startInbox } from './smtp-inbox.ts';
import { eventually } from './support/eventually.ts';
import { registerMany } from './support/requests.ts';
import { outlastRetryTimers } from './support/retry-timers.ts';
import { openScene } from './support/scene.ts';

outlastRetryTimers();

const rate = { max: 5, windowSeconds: 1 };

interface WatchedInbox extends AsyncDisposable {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** When each hand-over began, in ms. */
  readonly beganMs: readonly number[];
}

const startWatchedInbox = async (): Promise<WatchedInbox> => {
  const beganMs: number[] = [];
  const inbox = await startInbox({
    onMailFrom: (_from, _session, callback) => {
      beganMs.push(performance.now());
      callback();
    },
  });
  return { ...inbox, beganMs };
};

/** The most hand-overs in any span of that length. */
const mostWithin = (beganMs: readonly number[], spanMs: number): number =>
  Math.max(
    ...beganMs.map((start) => beganMs.filter((began) => began >= start && began < start + spanMs).length),
  );

/**
 * Rate and a little more: windows of the queue begin when they like, so two of them can meet in one span, and the
 * first hand-over is seen late, because it opens its connection (half a second on a busy machine).
 */
const expectHeld = (beganMs: readonly number[], count: number): void => {
  const tookSeconds = ((beganMs.at(-1) ?? 0) - (beganMs[0] ?? 0)) / 1000;
  const leastSeconds = (count / rate.max - 1) * rate.windowSeconds;
  expect(tookSeconds).toBeGreaterThan(leastSeconds * 0.8);
  expect(mostWithin(beganMs, rate.windowSeconds * 1000)).toBeLessThanOrEqual(2 * rate.max);
};

test('SEND_RATE holds for a backlog that has been due for longer than the sweep is patient', async () => {
  await using inbox = await startWatchedInbox();
  await using scene = await openScene(inbox.url);
  const ids = await registerMany(scene.db, 30);
  await scene.skipWait(...ids);
  await scene.start({ SEND_RATE: `${rate.max}/${rate.windowSeconds}` });
  await eventually('all are sent', () => inbox.mails.length === 30, 30_000);
  expectHeld(inbox.beganMs, 30);
}, 60_000);

test('SEND_RATE holds for a backlog while Redis is away', async () => {
  await using inbox = await startWatchedInbox();
  await using silent = await openSilentPort();
  await using scene = await openScene(inbox.url, 'postgres');
  const ids = await registerMany(scene.db, 30);
  await scene.skipWait(...ids);
  await scene.start({
    SEND_RATE: `${rate.max}/${rate.windowSeconds}`,
    QUEUE_BACKEND: 'redis',
    REDIS_URL: `redis://127.0.0.1:${silent.port}`,
  });
  await eventually('all are sent', () => inbox.mails.length === 30, 30_000);
  expectHeld(inbox.beganMs, 30);
}, 60_000);
