import { createHash } from 'node:crypto';
import { startInbox, waitUntil } from '@reconfirm/local-stack';
import type pg from 'pg';
import { expect, onTestFailed, test } from 'vitest';
import type { ApiClient } from '../src/api-client.ts';
import { createInstallation, postgresSettings, type RunningApi } from '../src/installation.ts';
import { addresses } from '../src/load.ts';
import { type OwnPostgres, startOwnPostgres } from '../src/own-postgres.ts';
import { mailgunWebhook, sendgridSettings, sendgridWebhook } from '../src/provider-webhooks.ts';
import { type SentEvent, type SentWebhook, startWebhookSender } from '../src/webhook-sender.ts';

const people = addresses('burst', 120);
/** Batches of these sizes in turn: the large ones are answered before they are applied. */
const batchSizes = [10, 100];
// Postgres is away twice, for as long as a slow machine needs to recover it.
const burstTimeoutMs = 90_000;

const lateCount = 16;

/** In the order of their ranks; a deferral says nothing about the status. */
const statusOf = {
  accepted: 'sent',
  delivered: 'delivered',
  bounced: 'bounced',
  complained: 'complained',
} as const;
const ranked = Object.keys(statusOf);

/** Rows of a question, as the superuser. */
type Query = <Row extends pg.QueryResultRow>(
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Row[]>;

const namesOf = (event: SentEvent): string => `${event.messageId} ${event.type}`;

interface Scene extends AsyncDisposable {
  readonly postgres: OwnPostgres;
  readonly query: Query;
  readonly api: RunningApi;
  readonly startWorker: () => Promise<void>;
}

const openScene = async (): Promise<Scene> => {
  await using opened = new AsyncDisposableStack();
  const postgres = opened.use(await startOwnPostgres());
  const database = 'burst';
  const inbox = opened.use(await startInbox({ capacity: people.length }));
  const installation = opened.use(
    await createInstallation({
      databaseUrl: await postgres.createDatabase(database),
      redisPrefix: 'webhook-burst',
      smtpUrl: inbox.smtpUrl,
      settings: { ...postgresSettings, RATE_LIMIT_IP: 'off', SWEEP_INTERVAL_MS: '200' },
    }),
  );
  const api = await installation.startApi(sendgridSettings);
  opened.defer(() => api.finish());
  onTestFailed(() => console.error(api.tail(40).join('\n')));
  const stack = opened.move();
  const startWorker = async (): Promise<void> => {
    const worker = await installation.startWorker();
    stack.defer(() => worker.finish());
  };
  const query: Query = async (text, values = []) =>
    (await postgres.asAdmin((admin) => admin.query(text, [...values]), database)).rows;
  return { postgres, query, api, startWorker, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

/** A message of each address, accepted and, as no worker runs, never handed over. */
const acceptMessages = async (client: ApiClient): Promise<readonly string[]> => {
  for (let from = 0; from < people.length; from += 10) {
    const answers = await Promise.all(people.slice(from, from + 10).map((email) => client.register(email)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  }
  return (await client.messages()).map(({ id }) => id);
};

/** Two to five events for each message, one by one and in batches, in no order of their own. */
const burstFor = (messageIds: readonly string[]): SentWebhook[] => {
  const every = (nth: number, type: SentEvent['type']): readonly SentEvent[] =>
    messageIds.filter((_, index) => index % nth === 0).map((messageId) => ({ messageId, type }));
  const batched = [...every(1, 'delivered'), ...every(2, 'deferred'), ...every(12, 'complained')];
  const batches: (readonly SentEvent[])[] = [];
  for (let from = 0; from < batched.length;) {
    const size = batchSizes[batches.length % batchSizes.length] ?? 1;
    batches.push(batched.slice(from, from + size));
    from += size;
  }
  const place = ({ events }: SentWebhook): string =>
    createHash('sha256').update(events.map(namesOf).join()).digest('hex');
  return [
    ...[...every(1, 'accepted'), ...every(3, 'bounced')].map(mailgunWebhook),
    ...batches.map(sendgridWebhook),
  ].toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
};

/** Of these events, those that are not in the table exactly once. */
const wrongOf = async (query: Query, events: readonly SentEvent[]): Promise<readonly string[]> => {
  const rows = await query<{ name: string; count: number }>(
    `SELECT message_id || ' ' || type AS name, count(*)::int AS count FROM delivery_events GROUP BY 1`,
  );
  const counts = new Map(rows.map(({ name, count }) => [name, count]));
  return events.map(namesOf).filter((name) => counts.get(name) !== 1);
};

const countUnapplied = async (query: Query): Promise<number> => {
  const [row] = await query<{ count: number }>(
    'SELECT count(*)::int AS count FROM delivery_events WHERE applied_at IS NULL',
  );
  return row?.count ?? Number.NaN;
};

/** Messages that do not stand where the highest of their events puts them. */
const misplacedOf = async (query: Query, events: readonly SentEvent[]): Promise<readonly string[]> => {
  const rows = await query<{ id: string; status: string }>('SELECT id, status FROM messages');
  return rows
    .map(({ id, status }) => {
      const types = events.filter(({ messageId }) => messageId === id).map(({ type }) => type);
      const highest = ranked.findLast((type) => types.some((one) => one === type)) as keyof typeof statusOf;
      return statusOf[highest] === status ? '' : `${id} is ${status}, not ${statusOf[highest]}`;
    })
    .filter((misplaced) => misplaced !== '');
};

test(
  'a Postgres that is killed in the middle of a burst of webhooks loses none: what was not stored is a 503 and sent again',
  async ({ annotate }) => {
    await using scene = await openScene();
    const { postgres, query, api } = scene;
    const webhooks = burstFor(await acceptMessages(api.client));
    const events = webhooks.flatMap((webhook) => webhook.events);
    // However fast the others go, these are sent when the server is gone.
    const late = webhooks.splice(-lateCount);
    const sender = startWebhookSender(api.client, webhooks, 16);
    const senders = [sender];
    // A machine that stands still between two looks would have the burst go by in between.
    const untilTaken = (share: number): Promise<void> => sender.untilTaken(share * events.length);
    const refused = (): number => senders.reduce((sum, { statuses }) => sum + (statuses().get(503) ?? 0), 0);
    const goOn = (): void => {
      for (const one of senders) one.goOn();
    };

    // Right after the recovery, before anything is sent again: what was answered with 200 is there.
    const expectTakenIsThere = async (): Promise<void> => {
      await Promise.all(senders.map((one) => one.pause()));
      const taken = senders.flatMap((one) => one.taken());
      expect(taken.length).toBeLessThan(events.length);
      expect(await wrongOf(query, taken)).toEqual([]);
    };

    await untilTaken(0.25);
    await postgres.killBackendOf('reconfirm-api');
    await expectTakenIsThere();
    goOn();

    await untilTaken(0.6);
    const refusedBefore = refused();
    await postgres.killAll();
    senders.push(startWebhookSender(api.client, late, 16));
    await waitUntil('webhooks are refused', () => refused() >= refusedBefore + 5, burstTimeoutMs);
    await Promise.all(senders.map((one) => one.pause()));
    await postgres.start();
    await expectTakenIsThere();
    goOn();

    await Promise.all(senders.map((one) => one.done));
    const statuses = new Set(senders.flatMap((one) => [...one.statuses().keys()]));
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 503]);
    expect(await wrongOf(query, events)).toEqual([]);
    // Large batches whose process was cut off between the answer and the application are left to the worker.
    await scene.startWorker();
    await waitUntil(
      'every event is applied',
      async () => (await countUnapplied(query)) === 0,
      burstTimeoutMs,
    );
    expect(await misplacedOf(query, events)).toEqual([]);
    const [stored] = await query<{ count: number }>('SELECT count(*)::int AS count FROM delivery_events');
    expect(stored?.count).toBe(events.length);
    await annotate(
      `${events.length} events in ${webhooks.length + late.length} webhooks, ${refused()} times 503`,
    );

    // Had one been lost, this test would have seen it.
    const [lost] = events;
    await query('DELETE FROM delivery_events WHERE message_id = $1 AND type = $2', [
      lost?.messageId,
      lost?.type,
    ]);
    expect(await wrongOf(query, events)).toEqual(lost === undefined ? [] : [namesOf(lost)]);
  },
  2 * burstTimeoutMs,
);
