import { createHmac, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Environment, readWorkerConfig } from '@reconfirm/core/config/config';
import { hardBounceDays } from '@reconfirm/core/suppression';
import type { Database } from '@reconfirm/db/database';
import { findFreePort, openTcpProxy, startProcess } from '@reconfirm/local-stack';
import { openMovedClock } from '@reconfirm/local-stack/testing';
import { createDoorbells } from '@reconfirm/queue/doorbells';
import { createMailWorker } from '@reconfirm/queue/mail-worker';
import { openQueueConnections } from '../../src/open-queue.ts';
import { startSweep, type SweptChannel } from '../../src/sweep.ts';
import { type ReceivedMail, startInbox } from '../smtp-inbox.ts';
import { openTransport } from '../smtp-mail.ts';
import { openScene } from '../support/scene.ts';
import { reply } from '../support/smtp-reply.ts';
import { type Fault, openSteppedWorker, type Trace } from './stepped-worker.ts';

/** How the mail server takes the next mail. `loses_answer`: it keeps the mail, and the connection dies before it says so. */
export const servings = ['takes', 'is_busy', 'refuses', 'loses_answer'] as const;
export type Serving = (typeof servings)[number];

export interface Answer {
  readonly status: number;
  readonly reason: string | null;
}

/** One message as the database has it. */
export interface Row {
  readonly id: string;
  readonly rank: number;
  readonly status: string;
  readonly reason: string | null;
  readonly isSettled: boolean;
  readonly attempts: number;
}

/** The API as a process, the worker step by step, real Postgres, Redis and SMTP between and behind them. */
export interface System extends AsyncDisposable {
  readonly db: Database;
  readonly mails: readonly ReceivedMail[];
  post(path: string, body: object): Promise<Answer>;
  /** Whether a link would work now, asked without using it. */
  check(token: string): Promise<boolean>;
  /** Every message, oldest first. */
  rows(): Promise<readonly Row[]>;
  /** A look at one of the messages that the bell has rung for. */
  work(pick: number, serving: Serving, fault: Fault): Promise<void>;
  wake(): Promise<void>;
  /** How many workers stand still. */
  areAsleep(): number;
  /** One round of the sweep. */
  sweep(): Promise<void>;
  advance(seconds: number): Promise<void>;
  /** Redis comes back empty. */
  emptyRedis(): Promise<void>;
  endLease(messageId: string): Promise<void>;
  /** What deliveries have done since this was asked last. */
  takeTraces(): readonly Trace[];
  /** Waits a little for a ring to come through; rings may be lost, so it may be in vain. */
  hear(messageIds: readonly string[]): Promise<void>;
  /** As if nothing had happened yet. */
  reset(): Promise<void>;
  /** For ablations: statements that break the database, and sweeps that do nothing. */
  execute(statements: string): Promise<void>;
  setSweeping(on: boolean): void;
}

const webhookKey = 'key-of-the-webhooks-of-the-model';
const apiEntry = fileURLToPath(new URL('../../../api/src/main.ts', import.meta.url));

/** A report as Mailgun sends it. Another key makes it a forgery. */
export const mailgunReport = (event: object, key: string = webhookKey): object => {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const token = randomBytes(25).toString('hex');
  const signature = createHmac('sha256', key)
    .update(timestamp + token)
    .digest('hex');
  return {
    signature: { timestamp, token, signature },
    'event-data': { id: randomBytes(12).toString('hex'), timestamp: Number(timestamp), ...event },
  };
};

export const openSystem = async (settings: Environment = {}): Promise<System> => {
  await using opened = new AsyncDisposableStack();
  let serving: Serving = 'takes';
  let sweeping = true;
  const inbox = opened.use(
    await startInbox(
      {
        onRcptTo: (_to, _session, callback) => {
          if (serving === 'is_busy') callback(reply(451, '4.3.0 try again later'));
          else if (serving === 'refuses') callback(reply(550, '5.1.1 no such user'));
          else callback();
        },
      },
      () => {
        if (serving === 'loses_answer') void link.become('resetting');
      },
    ),
  );
  const link = opened.use(await openTcpProxy(`smtp://127.0.0.1:${inbox.port}`));
  const scene = opened.use(await openScene(link.url));
  const environment = scene.environment({
    LEASE_SECONDS: '60',
    EMAIL_PROVIDER: 'mailgun',
    LOG_LEVEL: 'warn',
    ...settings,
  });
  const read = readWorkerConfig(environment);
  if ('problems' in read) throw new Error(read.problems.join('; '));
  const { config } = read;
  const api = await startApi(opened, environment);

  const heard: string[] = [];
  const queue = openQueueConnections(config, scene.log);
  opened.defer(() => queue.disconnect());
  const bell = createDoorbells({ backend: queue.producer, timeoutMs: 5000, onChange: () => {} });
  opened.defer(() => bell.close());
  const ears = createMailWorker({
    backend: queue.consumer,
    concurrency: 10,
    rate: undefined,
    ringAll: () => Promise.resolve(true),
    handle: async (messageId) => void heard.push(messageId),
    onError: () => {},
  });
  opened.defer(() => ears.close(2000));
  const transport = opened.use(openTransport({ url: link.url, maxConnections: 2 }));
  const worker = await openSteppedWorker(config, scene.db, transport, scene.log);
  opened.defer(() => worker.killSleepers());
  const clock = opened.use(await openMovedClock(scene.databaseUrl));

  const hear = async (messageIds: readonly string[]): Promise<void> => {
    const endMs = performance.now() + 300;
    while (!messageIds.every((id) => heard.includes(id)) && performance.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, 1));
  };

  const sweep = async (): Promise<void> => {
    if (!sweeping) return;
    const rung: string[] = [];
    const channel: SweptChannel = {
      backlog: {
        offer: (messages) => void heard.push(...messages.map(({ id }) => id)),
        room: () => Promise.resolve(),
        stop: () => Promise.resolve(),
      },
      mayOvertakeQueue: true,
      freeHands: () => 100,
    };
    const round = startSweep({
      db: scene.db,
      doorbell: {
        ...bell,
        ringAll: (rings) => {
          rung.push(...rings.map(({ messageId }) => messageId));
          return bell.ringAll(rings);
        },
      },
      channels: { email: channel, sms: channel },
      // It begins with a round, and is stopped before the next.
      intervalMs: 3_600_000,
      retentionDays: config.RETENTION_DAYS,
      pendingAccountDays: 0,
      suppressDays: hardBounceDays(config.SUPPRESS_HARD_BOUNCE_DAYS),
      log: scene.log,
      metrics: worker.metrics,
    });
    await round.stop();
    await hear(rung);
  };

  const system: Omit<System, typeof Symbol.asyncDispose> = {
    db: scene.db,
    mails: inbox.mails,
    ...api,
    rows: () =>
      scene.db
        .selectFrom('messages as m')
        .select((of) => [
          'm.id',
          'm.rank',
          'm.status',
          'm.reason',
          of('m.settled_at', 'is not', null).as('isSettled'),
          of
            .selectFrom('attempts as a')
            .whereRef('a.message_id', '=', 'm.id')
            .select((a) => a.cast<number>(a.fn.countAll(), 'integer').as('attempts'))
            .as('attempts'),
        ])
        .orderBy('m.seq')
        .execute() as unknown as Promise<readonly Row[]>,
    work: async (pick, nextServing, fault) => {
      const [messageId] = heard.splice(pick % Math.max(1, heard.length), 1);
      if (messageId === undefined) return;
      serving = nextServing;
      await link.become('open');
      await worker.deliver(messageId, fault);
      serving = 'takes';
      await link.become('open');
    },
    wake: worker.wake,
    areAsleep: worker.areAsleep,
    sweep,
    advance: async (seconds) => {
      await clock.advance(seconds);
      // Its clock cannot be moved; what it forgets it reads from the rows.
      await scene.emptyRedis();
    },
    emptyRedis: scene.emptyRedis,
    endLease: async (messageId) => {
      // Of who holds it; what nobody holds has none.
      const [row] = await scene.db
        .selectFrom('messages')
        .select('lease_until')
        .where('id', '=', messageId)
        .execute();
      if (row?.lease_until instanceof Date) await scene.endLease(messageId);
    },
    takeTraces: worker.takeTraces,
    execute: clock.execute,
    setSweeping: (on) => {
      sweeping = on;
    },
    hear,
    reset: async () => {
      await worker.killSleepers();
      worker.takeTraces();
      await scene.emptyRedis();
      await clock.empty();
      heard.length = 0;
    },
  };
  const stack = opened.move();
  return { ...system, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

/** Starts the API by its entry file and asks it as applications do. */
const startApi = async (
  opened: AsyncDisposableStack,
  environment: Environment,
): Promise<Pick<System, 'post' | 'check'>> => {
  const port = await findFreePort();
  const child = await startProcess({
    name: 'api',
    command: process.execPath,
    args: [apiEntry],
    cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
    env: {
      PATH: process.env['PATH'],
      RATE_LIMIT_IP: 'off',
      RATE_LIMIT_ADDRESS: `1/${cooldownSeconds}`,
      CODE_GUESS_LIMIT: `${guessesMax}/3600`,
      LIMITER_TIMEOUT_MS: '5000',
      ADMIN_KEY: randomBytes(24).toString('base64url'),
      MAILGUN_WEBHOOK_SIGNING_KEY: webhookKey,
      ...environment,
      LOG_LEVEL: 'info',
      HOST: '127.0.0.1',
      PORT: String(port),
    },
    stopSteps: [{ signal: 'SIGKILL', timeoutMs: 2000 }],
  });
  opened.defer(() => child.stop());
  await child.waitForLine(/"msg":"api\.started"/, 90_000);
  const url = `http://127.0.0.1:${port}`;
  return {
    post: async (path, body) => {
      const answer = await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(15_000),
      });
      const text = await answer.text();
      const reason = /"reason":"([A-Z_]+)"/.exec(text)?.[1] ?? null;
      return { status: answer.status, reason };
    },
    check: async (token) => {
      const answer = await fetch(`${url}/v1/verify-email/check?token=${token}`, {
        signal: AbortSignal.timeout(15_000),
      });
      return ((await answer.json()) as { valid?: boolean }).valid === true;
    },
  };
};

export const cooldownSeconds = 90;
export const guessesMax = 3;
