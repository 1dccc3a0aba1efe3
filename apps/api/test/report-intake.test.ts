import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeliveryEvent } from '@reconfirm/core/delivery-event';
import { applyParkedEvents, type IncomingEvent } from '@reconfirm/db/delivery-events';
import { createReportIntake, type ReportIntake } from '../src/report-intake.ts';
import { eventually } from './support/eventually.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { newEmail, post } from './support/requests.ts';
import { newestMessage } from './support/rows.ts';

let installation: Installation;
let api: TestApi;
beforeAll(async () => {
  installation = await openInstallation();
  api = await installation.startApi({ RATE_LIMIT_IP: 'off' });
});
afterAll(() => installation.close());

const reportOf = (messageId: string = randomUUID(), changes: Partial<DeliveryEvent> = {}): IncomingEvent => ({
  provider: 'mailgun',
  event: { type: 'delivered', eventId: randomUUID(), messageId, occurredAt: new Date(), ...changes },
  replayKey: randomBytes(32),
  bodyHash: randomBytes(32),
});

const reportsOf = (count: number): readonly IncomingEvent[] =>
  Array.from({ length: count }, () => ({ ...reportOf(), replayKey: undefined }));

interface OpenedIntake extends ReportIntake {
  /** Requests in each transaction. */
  readonly batches: readonly number[];
  readonly failures: readonly unknown[];
}

const openIntake = (): OpenedIntake => {
  const batches: number[] = [];
  const failures: unknown[] = [];
  const intake = createReportIntake({
    db: installation.db,
    suppressDays: [30],
    maxWaitMs: 10_000,
    onBatch: (requests) => batches.push(requests),
    onNotApplied: (error) => failures.push(error),
  });
  return { ...intake, batches, failures };
};

const countStored = async (reports: readonly IncomingEvent[]): Promise<number> => {
  const rows = await installation.db
    .selectFrom('delivery_events')
    .select('id')
    .where(
      'event_id',
      'in',
      reports.map(({ event }) => event.eventId),
    )
    .execute();
  return rows.length;
};

const acceptMessage = async (): Promise<string> => {
  expect((await post(api, '/v1/register', { email: newEmail() })).statusCode).toBe(201);
  return (await newestMessage(installation.db)).id;
};

const statusOf = async (id: string): Promise<string> =>
  (
    await installation.db
      .selectFrom('messages')
      .select('status')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  ).status;

/** While a table that applying needs, and storing does not, is away. */
const withoutAccountEvents = async <T>(work: () => Promise<T>): Promise<T> => {
  const { schema } = installation.db;
  await schema.alterTable('account_events').renameTo('account_events_away').execute();
  try {
    return await work();
  } finally {
    await schema.alterTable('account_events_away').renameTo('account_events').execute();
  }
};

describe('small webhooks that arrive together', () => {
  it('share one transaction, and each gets its own outcomes', async () => {
    const intake = openIntake();
    const messageId = await acceptMessage();
    const known = reportOf(messageId);
    const two = [reportOf(), reportOf()];
    const outcomes = await Promise.all(
      [[known], two, [known], [], [{ ...known, bodyHash: randomBytes(32) }], [reportOf()]].map(intake.store),
    );
    expect(outcomes).toEqual([['applied'], ['parked', 'parked'], ['repeated'], [], ['replayed'], ['parked']]);
    expect(intake.batches).toEqual([5]);
    expect(await statusOf(messageId)).toBe('delivered');
  });

  it('do not fail for one among them that cannot be stored', async () => {
    const intake = openIntake();
    const good = Array.from({ length: 9 }, () => reportOf());
    const poison = reportOf(randomUUID(), { reason: 'nul \u0000' });
    const settled = await Promise.allSettled([...good, poison].map((report) => intake.store([report])));
    expect(settled.map(({ status }) => status)).toEqual([...good.map(() => 'fulfilled'), 'rejected']);
    expect(await countStored([...good, poison])).toBe(9);
  });

  it('are all refused when their transaction fails, and nothing of them is stored', async () => {
    const intake = openIntake();
    const reports = [reportOf(await acceptMessage()), reportOf(), reportOf()];
    const settled = await withoutAccountEvents(() =>
      Promise.allSettled(reports.map((report) => intake.store([report]))),
    );
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await countStored(reports)).toBe(0);
  });

  it('are spread over transactions of a bounded size', async () => {
    const intake = openIntake();
    await Promise.all(Array.from({ length: 20 }, () => intake.store(reportsOf(50))));
    expect(intake.batches).toEqual([5, 5, 5, 5]);
  });
});

describe('a large webhook', () => {
  it('is answered once it is stored, and moves its messages right after', async () => {
    const intake = openIntake();
    const [messageId, strange] = [await acceptMessage(), reportsOf(600)];
    const reports = [...strange, { ...reportOf(messageId), replayKey: undefined }];
    expect(new Set(await intake.store(reports))).toEqual(new Set(['stored']));
    expect(await countStored(reports)).toBe(601);
    await eventually('its message has moved', async () =>
      (await statusOf(messageId)) === 'delivered' ? true : undefined,
    );
    expect(new Set(await intake.store(reports))).toEqual(new Set(['repeated']));
    expect(intake.failures).toEqual([]);
  });

  it('that could not be applied after its answer is left to the sweep, and the next one is applied', async () => {
    const intake = openIntake();
    const [first, second] = [await acceptMessage(), await acceptMessage()];
    const withMessage = (id: string): readonly IncomingEvent[] => [
      ...reportsOf(100),
      { ...reportOf(id), replayKey: undefined },
    ];
    await withoutAccountEvents(async () => {
      expect(new Set(await intake.store(withMessage(first)))).toEqual(new Set(['stored']));
      await eventually('it is told', async () => (intake.failures.length === 1 ? true : undefined));
    });
    expect(await statusOf(first)).toBe('queued');
    await intake.store(withMessage(second));
    await eventually('the next one is applied', async () =>
      (await statusOf(second)) === 'delivered' ? true : undefined,
    );
    expect(await applyParkedEvents(installation.db, 1000)).toBe(1);
    expect(await statusOf(first)).toBe('delivered');
  });
});
