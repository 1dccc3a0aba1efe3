import { setTimeout as delay } from 'node:timers/promises';
import { type RunningInbox, startInbox } from '@reconfirm/local-stack';
import { startBenchProcess } from './bench-process.ts';
import type { Settings } from './bench-stores.ts';

const perSecond = 50;
const count = 500;
const patienceMs = 30_000;

const addressOf = (index: number): string => `hand-over-${index}@example.com`;

/** Resolves to the instant at which the answer was read, in ms since the epoch. */
const post = async (url: string, path: string, email: string, expected: number): Promise<number> => {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email }),
  });
  await response.text();
  if (response.status !== expected) throw new Error(`${path} answered ${response.status}`);
  return performance.timeOrigin + performance.now();
};

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;

/** When the inbox took the nth mail (from 1) to each address, once there are that many to everybody. */
const arrivals = async (inbox: RunningInbox, nth: number): Promise<ReadonlyMap<string, number>> => {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const perAddress = new Map<string, number[]>();
    for (const { envelope, receivedAt } of await inbox.messages()) {
      const to = envelope.to[0] ?? '';
      perAddress.set(to, [...(perAddress.get(to) ?? []), Date.parse(receivedAt)]);
    }
    const found = [...perAddress].flatMap(([to, times]): [string, number][] => {
      const at = times[nth - 1];
      return at === undefined ? [] : [[to, at]];
    });
    if (found.length === count) return new Map(found);
    if (performance.now() > endMs) throw new Error(`only ${found.length} of ${count} mails came`);
    await delay(500);
  }
};

/** Resends at a steady rate with one worker running, and prints how long after the answer the mail was taken. */
export const measureHandOver = async (installation: Settings): Promise<void> => {
  await using inbox = await startInbox({ capacity: 2 * count });
  await using api = await startBenchProcess({
    name: 'api',
    entry: 'apps/api/src/main.ts',
    portSetting: 'PORT',
    settings: { ...installation, HOST: '127.0.0.1', RATE_LIMIT_IP: 'off', RATE_LIMIT_ADDRESS: '2/600' },
  });
  await using worker = await startBenchProcess({
    name: 'worker',
    entry: 'apps/mailer-worker/src/main.ts',
    portSetting: 'OPS_PORT',
    settings: {
      ...installation,
      OPS_HOST: '127.0.0.1',
      MAIL_FROM: 'no-reply@reconfirm.localhost',
      SMTP_URL: inbox.smtpUrl,
      SMTP_TLS: 'off',
    },
  });
  for (let index = 0; index < count; index += 1) await post(api.url, '/v1/register', addressOf(index), 201);
  await arrivals(inbox, 1);

  const cpuBeforeMs = worker.cpuMs();
  const startMs = performance.now();
  const answers: Promise<number>[] = [];
  for (let index = 0; index < count; index += 1) {
    await delay(Math.max(0, startMs + (index * 1000) / perSecond - performance.now()));
    answers.push(post(api.url, '/v1/resend-verification', addressOf(index), 200));
  }
  const answeredMs = await Promise.all(answers);
  const takenMs = await arrivals(inbox, 2);
  const waitsMs = answeredMs
    .map((answered, index) => (takenMs.get(addressOf(index)) ?? Number.NaN) - answered)
    .toSorted((a, b) => a - b);
  const [p50, p99] = [percentile(waitsMs, 0.5), percentile(waitsMs, 0.99)];
  const cpuUs = ((worker.cpuMs() - cpuBeforeMs) * 1000) / count;
  console.log(
    `\nfrom the answer to the mail in the inbox, ${count} resends at ${perSecond}/s: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (the inbox's clock ticks in ms); worker ${cpuUs.toFixed(0)} us of CPU a mail`,
  );
};
