import { startInbox, type RunningInbox } from '@reconfirm/local-stack';
import { redisPrefix, testStores } from '@reconfirm/local-stack/testing';
import { expect } from 'vitest';
import { createHttpClient, type HttpClient } from '../../src/http-client.ts';
import type { ApiClient } from '../../src/api-client.ts';
import { createInstallation, type Installation, type Settings } from '../../src/installation.ts';
import { untilSettled } from '../../src/load.ts';
import { countByRecipient, tokenOf } from '../../src/mails.ts';
import { lostOrDoubled, type Told } from '../../src/told.ts';

/** One API and one worker that all tests of a file share, on a database that the file made. */
export interface Workplace extends AsyncDisposable {
  readonly client: ApiClient;
  /** The worker's port for its operator. */
  readonly worker: HttpClient;
  readonly inbox: RunningInbox;
  readonly installation: Installation;
  /**
   * Waits until nothing is owed any more, and then: each accepted address has got one mail and its link
   * works, each refused one at most one.
   */
  expectNothingLost(told: Told): Promise<void>;
  printLogs(): void;
}

const defaults: Settings = {
  // A registration and one resend for each address, and no more for ten minutes.
  RATE_LIMIT_ADDRESS: '2/600',
  RATE_LIMIT_IP: 'off',
  // What a worker had claimed when the database went waits for the end of its lease.
  LEASE_SECONDS: '8',
  SWEEP_INTERVAL_MS: '500',
};

/** The settings name the database (DATABASE_URL) and the queue. Disposing fails when a process had died, or does not end with 0. */
export const openWorkplace = async (
  settings: Settings & { readonly DATABASE_URL: string },
): Promise<Workplace> => {
  await using opened = new AsyncDisposableStack();
  const inbox = opened.use(await startInbox({ capacity: 5000 }));
  const installation = opened.use(
    await createInstallation({
      databaseUrl: settings.DATABASE_URL,
      redisPrefix: redisPrefix(testStores()),
      smtpUrl: inbox.smtpUrl,
      settings: { ...defaults, ...settings },
    }),
  );
  opened.defer(async () => {
    const ends = await Promise.allSettled(installation.processes.map((service) => service.finish()));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  });
  const { client } = await installation.startApi();
  const worker = opened.use(createHttpClient((await installation.startWorker()).port));
  const stack = opened.move();
  return {
    client,
    worker,
    inbox,
    installation,
    expectNothingLost: async (told) => {
      await untilSettled(client);
      const sent = await countByRecipient(inbox);
      expect(lostOrDoubled(told, sent)).toEqual([]);
      expect(await deadLinks(inbox, client, told.accepted)).toEqual([]);
    },
    printLogs: () => {
      for (const service of installation.processes)
        console.error(`--- ${service.name}\n${service.tail(40).join('\n')}`);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

const deadLinks = async (
  inbox: RunningInbox,
  client: ApiClient,
  accepted: readonly string[],
): Promise<readonly string[]> => {
  const dead: string[] = [];
  for (const email of accepted) {
    const mail = await inbox.next({ to: email, timeoutMs: 1000 });
    if (mail === undefined || !(await client.check(tokenOf(mail))).valid) dead.push(email);
  }
  return dead;
};

let probes = 0;

/** Registers until one is accepted; resolves to how long that took, in ms. Fails after `timeoutMs`. */
export const atWork = async (client: ApiClient, timeoutMs: number): Promise<number> => {
  const startedAt = performance.now();
  for (;;) {
    probes += 1;
    const { status } = await client.register(`probe-${probes}@example.com`);
    if (status === 201) return performance.now() - startedAt;
    expect(performance.now() - startedAt).toBeLessThan(timeoutMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
