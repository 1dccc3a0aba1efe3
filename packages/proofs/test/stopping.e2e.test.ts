import { expect, test } from 'vitest';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { waitUntil } from '@reconfirm/local-stack';
import { addresses, atSteadyRate, untilSettled } from '../src/load.ts';
import { expectOneMailForEach } from './support/one-mail-each.ts';
import { redisSettings } from '../src/installation.ts';
import { openScene } from './support/scene.ts';

const unlimited = { RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_IP: 'off', SWEEP_INTERVAL_MS: '500' };

describeWithRedis('stopping under load', (redisUrl) => {
  test('a worker that is told to stop loses nothing and doubles nothing', async () => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...unlimited });
    const { client } = await scene.startApi();
    // A backlog, so that the worker's hands are full when the signal comes.
    const waiting = addresses('waiting', 200);
    const registered = await Promise.all(waiting.map((email) => client.register(email)));
    expect(registered.filter(({ status }) => status !== 201)).toEqual([]);

    const arriving = addresses('arriving', 100);
    const load = atSteadyRate(arriving.length, 50, (index) => client.register(arriving[index] ?? ''));
    // Looked at below; a test that fails before must not leave it unhandled.
    load.catch(() => undefined);
    const stopped = await scene.startWorker();
    await waitUntil('the worker is at work', async () => (await scene.inbox.messages()).length > 10);
    const { code, tookMs } = await stopped.terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(25_000);
    // It stopped in the middle of its work, or the test would show nothing.
    expect((await client.messages({ status: 'queued,deferred' })).length).toBeGreaterThan(0);
    expect(await client.messages({ status: 'sending' })).toEqual([]);

    await scene.startWorker();
    expect((await load).filter(({ status }) => status !== 201)).toEqual([]);
    await untilSettled(client);
    await expectOneMailForEach(scene.inbox, client, [...waiting, ...arriving]);
    const statuses = (await client.messages()).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set(['sent']));
  });

  test('an API that is told to stop has written down every request that it accepted', async () => {
    await using scene = await openScene({ ...redisSettings(redisUrl), ...unlimited });
    const [stopped, other] = [await scene.startApi(), await scene.startApi()];
    const accepted: string[] = [];
    const refused: number[] = [];
    /** Asks until the process cannot be reached any more. */
    const keepAsking = async (caller: number): Promise<void> => {
      for (let index = 0; ; index += 1) {
        const email = `caller-${caller}-${index}@example.com`;
        const answer = await (
          index % 2 === 0 ? stopped.client.resend(email) : stopped.client.register(email)
        ).catch(() => undefined);
        if (answer === undefined) return;
        if (answer.status === 200 || answer.status === 201) accepted.push(email);
        else refused.push(answer.status);
      }
    };
    const callers = Promise.all(Array.from({ length: 20 }, (_, caller) => keepAsking(caller)));
    await waitUntil('the API is at work', () => accepted.length > 300);
    const { code, tookMs } = await stopped.terminate();
    await callers;
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(25_000);
    // Connections that were open when the signal came may be told so.
    expect(refused.filter((status) => status !== 503)).toEqual([]);
    const missing: string[] = [];
    for (const address of accepted) {
      if ((await other.client.messages({ address })).length !== 1) missing.push(address);
    }
    expect(missing).toEqual([]);
  });
});
