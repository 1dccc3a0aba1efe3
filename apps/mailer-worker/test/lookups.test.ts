import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { AskableProvider } from '@reconfirm/core/config/lookup-settings';
import { parseMailgunEvents } from '@reconfirm/core/providers/mailgun-events';
import { parseBrevoEvents } from '@reconfirm/core/providers/brevo-events';
import { providers } from '@reconfirm/core/providers/registry';
import type { ProviderLookUp } from '@reconfirm/core/providers/look-up';
import { Secret } from '@reconfirm/core/secret';
import { smsProviders } from '@reconfirm/core/sms-providers/registry';
import type { Database } from '@reconfirm/db/database';
import { storeDeliveryEvent } from '@reconfirm/db/delivery-events';
import { Registry } from '@prometheus-io/client';
import { describe, expect, test } from 'vitest';
import { createLookupMetrics } from '../src/lookups/lookup-metrics.ts';
import { startLookups } from '../src/lookups/start-lookups.ts';
import { makeCertificate } from './smtp-certificate.ts';
import { eventually, neverDuring } from './support/eventually.ts';
import { askOps, readMetric } from './support/ops-port.ts';
import { openScene, type Scene } from './support/scene.ts';
import {
  answersAsDocumented,
  documentedAnswers,
  doubtfulMessage,
  silentMessage,
} from './support/silent-messages.ts';
import { answers, type Behaviour, startSmsProvider } from './support/sms-provider.ts';

const deadSmtp = 'smtp://127.0.0.1:9';
const key = 'a-key-that-nobody-may-log';
/** A machine that is busy takes its time; nothing here is quick by promise. */
const patienceMs = 30_000;

const everyProvider: readonly { readonly name: string; readonly lookUp?: ProviderLookUp }[] = [
  ...Object.values(providers),
  ...Object.values(smsProviders),
];

const accounts: Readonly<Record<string, string>> = {
  mailgun: 'mail.example.com',
  twilio: `AC${'0'.repeat(31)}1`,
};

const askable = (name: string, apiUrl: string): AskableProvider => {
  const lookUp = everyProvider.find((provider) => provider.name === name)?.lookUp;
  if (lookUp === undefined) throw new Error(`${name} cannot be asked`);
  return {
    name,
    channel: name === 'twilio' ? 'sms' : 'email',
    lookUp,
    settings: { apiUrl, accountId: accounts[name] ?? '', key: new Secret(key) },
  };
};

const start = (scene: Scene, asked: readonly AskableProvider[], trustedCertificates?: string) => {
  const registry = new Registry();
  const lookups = startLookups({
    db: scene.db,
    providers: asked,
    afterSeconds: 900,
    messageIdDomainOf: () => 'mail.example.com',
    ready: async () => {},
    suppressDays: [14],
    log: scene.log,
    metrics: createLookupMetrics([registry]),
    ...(trustedCertificates !== undefined && { trustedCertificates }),
  });
  const counted = async (outcome: string): Promise<number> =>
    Number(new RegExp(`outcome="${outcome}"} (\\d+)`).exec(await registry.metrics())?.[1] ?? 0);
  return { ...lookups, counted, [Symbol.asyncDispose]: () => lookups.stop() };
};

const lookupsOf = (db: Database, id: string) =>
  db.selectFrom('lookups').selectAll().where('message_id', '=', id).execute();

/** All that a report changes beside the reports themselves. */
const stateOf = async (db: Database, { accountId, messageId }: { accountId: string; messageId: string }) => ({
  message: await db
    .selectFrom('messages')
    .select(['status', 'settled_at', 'sent_at'])
    .where('id', '=', messageId)
    .executeTakeFirstOrThrow(),
  account: await db
    .selectFrom('accounts')
    .select('verification_email_status')
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow(),
  events: await db
    .selectFrom('account_events')
    .select(['type', 'detail'])
    .where('account_id', '=', accountId)
    .orderBy('id')
    .execute(),
  told: await db
    .selectFrom('outgoing_events')
    .select(['type'])
    .where('account_id', '=', accountId)
    .orderBy('position')
    .execute(),
  suppressed: await db.selectFrom('suppressions').select(['reason', 'times', 'expires_at']).execute(),
});

const isDone = async (db: Database, id: string, outcome: string) =>
  eventually(
    `${outcome} for ${id}`,
    async () => (await lookupsOf(db, id))[0]?.outcome === outcome,
    patienceMs,
  );

describe('a message that nothing was reported of', () => {
  test(
    'becomes what each provider that can be asked says, stored as its webhook’s report would be',
    { timeout: 120_000 },
    async () => {
      await using scene = await openScene(deadSmtp);
      await using server = await startSmsProvider(answers(404, {}));
      const names = everyProvider.flatMap(({ name, lookUp }) => (lookUp === undefined ? [] : [name]));
      const asked = await Promise.all(
        names.map(async (name) => {
          const { providerMessageId } = documentedAnswers(name, 'delivered', '');
          const silent = await silentMessage(scene.db, name, { providerMessageId });
          return { name, ...silent, documented: documentedAnswers(name, 'delivered', silent.messageId) };
        }),
      );
      server.behave(answersAsDocumented(...asked.map(({ documented }) => documented)));
      await using lookups = start(
        scene,
        names.map((name) => askable(name, server.url)),
      );
      for (const { name, messageId, documented } of asked) {
        await isDone(scene.db, messageId, 'found');
        expect(await scene.message(messageId), name).toMatchObject({ status: 'delivered' });
        const stored = await scene.db
          .selectFrom('delivery_events')
          .selectAll()
          .where('message_id', '=', messageId)
          .execute();
        expect(stored, name).toContainEqual(
          expect.objectContaining({ provider: name, type: 'delivered', applied_at: expect.any(Date) }),
        );
        const paths = documented.answers.map(({ path }) => path);
        expect(
          server.requests
            .map(({ path }) => path)
            .filter((path) => paths.includes(path))
            .toSorted(),
        ).toEqual(paths.toSorted());
      }
      expect(lookups.warnings()).toEqual([]);
      // What the answers held besides (addresses, the mail itself, the key) is nowhere.
      const kept = JSON.stringify([
        scene.lines,
        await scene.db.selectFrom('delivery_events').selectAll().execute(),
        await scene.db.selectFrom('lookups').selectAll().execute(),
      ]);
      expect(kept).not.toMatch(/ada\.lovelace|t=secret|your code|a-key-that/);
    },
  );

  test('is asked about once by two workers', { timeout: 120_000 }, async () => {
    await using scene = await openScene(deadSmtp);
    await using server = await startSmsProvider(answers(200, { items: [] }));
    const ids = await Promise.all(
      Array.from({ length: 8 }, async () => (await silentMessage(scene.db, 'mailgun')).messageId),
    );
    await using running = new AsyncDisposableStack();
    running.use(start(scene, [askable('mailgun', server.url)]));
    running.use(start(scene, [askable('mailgun', server.url)]));
    for (const id of ids) await isDone(scene.db, id, 'nothing_new');
    const asked = server.requests.map(({ path }) => /message-id=([0-9a-f-]+)/.exec(path)?.[1]);
    expect(new Set(asked)).toEqual(new Set(ids));
    expect(asked).toHaveLength(ids.length);
  });

  test(
    'whose hand-over got no answer is settled by the provider’s word, so no second copy goes',
    { timeout: 60_000 },
    async () => {
      await using scene = await openScene(deadSmtp);
      // Long enough for a machine that is busy, and asked about as soon as 25 seconds are left.
      const messageId = await doubtfulMessage(scene.db, 'postmark', 27);
      await using server = await startSmsProvider(
        answersAsDocumented(documentedAnswers('postmark', 'accepted', messageId)),
      );
      await using running = new AsyncDisposableStack();
      running.use(start(scene, [askable('postmark', server.url)]));
      await isDone(scene.db, messageId, 'found');
      expect(await scene.message(messageId)).toMatchObject({ status: 'sent', settled_at: expect.any(Date) });
    },
  );
});

describe('a webhook and a look-up', () => {
  test('of Mailgun tell of one event under one id, whichever comes first', { timeout: 60_000 }, async () => {
    await using scene = await openScene(deadSmtp);
    await using server = await startSmsProvider(answers(404, {}));
    const first = await silentMessage(scene.db, 'mailgun');
    const documented = documentedAnswers('mailgun', 'delivered', first.messageId);
    const [accepted, delivered] =
      (documented.answers[0]?.body as { items?: readonly unknown[] } | undefined)?.items ?? [];
    const bring = async (item: unknown) => {
      const [event] = parseMailgunEvents({ 'event-data': item });
      if (event === undefined) throw new Error('an event');
      return storeDeliveryEvent(scene.db, { provider: 'mailgun', event, bodyHash: Buffer.alloc(32) });
    };
    server.behave(answersAsDocumented(documented));
    expect(await bring(accepted)).toBe('applied');
    await using running = new AsyncDisposableStack();
    running.use(start(scene, [askable('mailgun', server.url)]));
    await isDone(scene.db, first.messageId, 'found');
    const before = await stateOf(scene.db, first);
    expect(before.message.status).toBe('delivered');
    expect(before.told).toEqual([{ type: 'message.delivered' }]);
    expect(await bring(delivered), 'the late webhook').toBe('repeated');
    expect(await stateOf(scene.db, first)).toEqual(before);
    expect((await scene.db.selectFrom('delivery_events').select('id').execute()).length).toBe(2);
  });

  test(
    'that do not share an id change nothing twice: status, events, suppression',
    { timeout: 60_000 },
    async () => {
      await using scene = await openScene(deadSmtp);
      await using server = await startSmsProvider(answers(404, {}));
      const silent = await silentMessage(scene.db, 'brevo');
      server.behave(
        answersAsDocumented(documentedAnswers('brevo', 'bounced-no-such-user', silent.messageId)),
      );
      await using running = new AsyncDisposableStack();
      running.use(start(scene, [askable('brevo', server.url)]));
      await isDone(scene.db, silent.messageId, 'found');
      const before = await stateOf(scene.db, silent);
      expect(before).toMatchObject({
        message: { status: 'bounced' },
        account: { verification_email_status: 'FAILED' },
        suppressed: [{ reason: 'hard_bounce', times: 1 }],
      });
      const [event] = parseBrevoEvents({
        event: 'hard_bounce',
        email: 'ada.lovelace@example.org',
        ts_epoch: Date.now(),
        'message-id': `<${silent.messageId}@mail.example.com>`,
        reason: '550 5.1.1 no such user',
      });
      if (event === undefined) throw new Error('an event');
      const late = { provider: 'brevo', event, bodyHash: Buffer.alloc(32) };
      expect(await storeDeliveryEvent(scene.db, late, [14]), 'kept for the operator').toBe('applied');
      expect(await stateOf(scene.db, silent)).toEqual(before);
    },
  );
});

describe('a provider that does not answer as it should', () => {
  const huge = `{"items":[${'"x",'.repeat(400_000)}"x"]}`;
  const cut: Behaviour = (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"items":');
    response.destroy();
  };
  const elsewhere = answers(302, '', { location: 'http://127.0.0.1:9/stolen' });

  test.each<[string, Behaviour, string, string | null]>([
    ['refuses our key', answers(401, { message: 'Invalid private key' }), 'refused', 'refuses to tell'],
    ['does not sell it to us', answers(403, {}), 'refused', 'refuses to tell'],
    ['knows no such domain', answers(404, { message: 'Domain not found' }), 'refused', 'refuses to tell'],
    ['is out of order', answers(500, 'oops'), 'unavailable', 'does not answer'],
    ['sends us elsewhere', elsewhere, 'unavailable', 'does not answer'],
    ['breaks off', cut, 'unavailable', 'does not answer'],
    ['is asked too often', answers(429, {}, { 'retry-after': '120' }), 'throttled', null],
  ])(
    '%s: nothing is held against the message, and an operator sees it',
    { timeout: 60_000 },
    async (_, behaviour, outcome, told) => {
      await using scene = await openScene(deadSmtp);
      await using server = await startSmsProvider(behaviour);
      const { messageId } = await silentMessage(scene.db, 'mailgun');
      await using lookups = start(scene, [askable('mailgun', server.url)]);
      await eventually('counted', async () => (await lookups.counted(outcome)) === 1, patienceMs);
      const row = await eventually('given back', async () => {
        const found = await scene.message(messageId);
        return (await lookupsOf(scene.db, messageId)).length === 0 ? found : undefined;
      });
      expect(row).toMatchObject({ status: 'sent', rank: 50 });
      // It rests for a minute, or as long as it was asked to, and then asks about the same message.
      const restMs = (row.ask_at?.getTime() ?? 0) - Date.now();
      expect(restMs).toBeGreaterThan(outcome === 'throttled' ? 80_000 : 20_000);
      expect(restMs).toBeLessThan(121_000);
      expect(lookups.warnings()).toEqual(told === null ? [] : [expect.stringContaining(`mailgun ${told}`)]);
      expect(server.requests).toHaveLength(1);
      expect(JSON.stringify(scene.lines)).not.toContain(key);
    },
  );

  test.each<[string, Behaviour]>([
    ['a page', answers(200, '<html>It works</html>')],
    ['something else', answers(200, { items: 'none' })],
    ['far too much', answers(200, huge)],
  ])(
    'gives %s: the question is noted as not understood, and nothing else happens',
    { timeout: 60_000 },
    async (_, behaviour) => {
      await using scene = await openScene(deadSmtp);
      await using server = await startSmsProvider(behaviour);
      const { messageId } = await silentMessage(scene.db, 'mailgun');
      await using running = new AsyncDisposableStack();
      running.use(start(scene, [askable('mailgun', server.url)]));
      await isDone(scene.db, messageId, 'unclear');
      expect(await scene.message(messageId)).toMatchObject({ status: 'sent' });
      expect(await scene.db.selectFrom('delivery_events').select('id').execute()).toEqual([]);
    },
  );

  test(
    'is waited for no longer than the process lives: the question is given back at once',
    { timeout: 60_000 },
    async () => {
      await using scene = await openScene(deadSmtp);
      await using server = await startSmsProvider(() => {});
      const { messageId } = await silentMessage(scene.db, 'mailgun');
      const lookups = start(scene, [askable('mailgun', server.url)]);
      await eventually('it is asked', () => server.requests.length === 1, patienceMs);
      await lookups.stop();
      expect(await lookupsOf(scene.db, messageId)).toEqual([]);
      expect((await scene.message(messageId)).ask_at?.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
    },
  );

  test(
    'shows a certificate that nobody has vouched for: it is not told our key',
    { timeout: 60_000 },
    async () => {
      await using scene = await openScene(deadSmtp);
      const { messageId } = await silentMessage(scene.db, 'mailgun');
      const certificate = makeCertificate();
      let heard = 0;
      const server = createServer({ key: certificate.key, cert: certificate.certificate }, (_, response) => {
        heard += 1;
        response.end('{"items":[]}');
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `https://localhost:${(server.address() as AddressInfo).port}`;
      const stranger = start(scene, [askable('mailgun', url)]);
      await eventually('not asked', async () => (await stranger.counted('unavailable')) === 1, patienceMs);
      await stranger.stop();
      expect(heard).toBe(0);
      await scene.db
        .updateTable('messages')
        .set({ ask_at: new Date(0) })
        .where('id', '=', messageId)
        .execute();
      await using running = new AsyncDisposableStack();
      running.use(start(scene, [askable('mailgun', url)], certificate.certificate));
      await isDone(scene.db, messageId, 'nothing_new');
      expect(heard).toBe(1);
      server.close();
    },
  );
});

describe('a worker', () => {
  test(
    'asks by its settings, counts, and warns at /readyz while its key is refused',
    { timeout: 90_000 },
    async () => {
      await using scene = await openScene(deadSmtp);
      await using server = await startSmsProvider(answers(404, {}));
      const [first, second] = [
        await silentMessage(scene.db, 'mailgun', { sentSecondsAgo: 2000 }),
        await silentMessage(scene.db, 'mailgun'),
      ];
      const documented = answersAsDocumented(documentedAnswers('mailgun', 'delivered', first.messageId));
      server.behave((response, request, n) =>
        (n === 0 ? documented : answers(401, {}))(response, request, n),
      );
      const worker = await scene.start({ MAILGUN_API_KEY: key, MAILGUN_API_URL: server.url });
      const count = (outcome: string) =>
        readMetric(worker, `reconfirm_lookups_total{provider="mailgun",outcome="${outcome}"}`);
      await eventually('refused', async () => (await count('refused')) === 1, patienceMs);
      expect(await count('found')).toBe(1);
      expect(await scene.message(first.messageId)).toMatchObject({ status: 'delivered' });
      expect(await scene.message(second.messageId)).toMatchObject({ status: 'sent' });
      expect(await readMetric(worker, 'reconfirm_lookup_working{provider="mailgun"}')).toBe(0);
      const ready = await askOps(worker, '/readyz');
      expect([ready.status, ready.body]).toEqual([200, expect.stringContaining('mailgun refuses to tell')]);
      expect(server.requests[0]?.headers.authorization).toBe(
        `Basic ${Buffer.from(`api:${key}`).toString('base64')}`,
      );
    },
  );

  test('asks nobody without a key, nor with LOOKUP_AFTER_SECONDS=0', { timeout: 60_000 }, async () => {
    await using scene = await openScene(deadSmtp);
    await using server = await startSmsProvider(answers(200, { items: [] }));
    const { messageId } = await silentMessage(scene.db, 'mailgun');
    await scene.start({ MAILGUN_API_URL: server.url });
    await scene.start({ MAILGUN_API_URL: server.url, MAILGUN_API_KEY: key, LOOKUP_AFTER_SECONDS: '0' });
    await neverDuring('a question', 1500, () => server.requests.length > 0);
    expect(await scene.message(messageId)).toMatchObject({ status: 'sent', ask_at: null });
  });
});
