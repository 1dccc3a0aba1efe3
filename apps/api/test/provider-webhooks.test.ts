import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { providers } from '@reconfirm/core/providers/registry';
import type { Get } from '../src/webhook-calls.ts';
import { eventually } from './support/eventually.ts';
import { handOverNewest } from './support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import {
  call,
  callingProviders,
  type CallingProvider,
  type News,
  snsCertificate,
  snsCertificatePath,
  snsMessage,
  topicArn,
} from './support/provider-reports.ts';
import { type Answer, register, tenantOf } from './support/requests.ts';
import { countRows } from './support/rows.ts';

/** What Amazon's endpoint does next, and what it was asked so far. */
interface Amazon {
  readonly get: Get;
  readonly asked: string[];
  answer: (path: string, response: ServerResponse) => void;
  close(): Promise<void>;
}

/** Stands where sns.<region>.amazonaws.com is: a server of its own, reached by plain HTTP. */
const startAmazon = async (): Promise<Amazon> => {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? '');
    amazon.answer(request.url ?? '', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const amazon: Amazon = {
    asked,
    get: (url, options) => {
      const { pathname, search } = new URL(url);
      return fetch(`http://127.0.0.1:${port}${pathname}${search}`, options);
    },
    answer: (_path, response) => response.end(snsCertificate),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return amazon;
};

let installation: Installation;
let api: TestApi;
let amazon: Amazon;
const settings = Object.assign({}, ...Object.values(callingProviders).map((one) => one.settings)) as Record<
  string,
  string
>;
beforeAll(async () => {
  installation = await openInstallation();
  amazon = await startAmazon();
  api = await installation.startApi(
    { ...settings, RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_IP: 'off' },
    { get: amazon.get },
  );
});
afterAll(async () => {
  await installation.close();
  await amazon.close();
});

const statusOf = async (messageId: string): Promise<string> =>
  (
    await installation.db
      .selectFrom('messages')
      .select('status')
      .where('id', '=', messageId)
      .executeTakeFirstOrThrow()
  ).status;

const registerAndMail = async () => ({
  ...(await register(api)),
  messageId: (await handOverNewest(installation.db, api.config)).messageId,
});

it('every provider that reports is asked here', () => {
  const reporting = Object.values(providers).flatMap((one) => ('webhook' in one ? [one.name] : []));
  expect(Object.keys(callingProviders).toSorted()).toEqual(reporting.toSorted());
});

const moves: readonly (readonly [News, status: string, shown: string])[] = [
  ['accepted', 'sent', 'SENT'],
  ['deferred', 'sent', 'SENT'],
  ['opened', 'sent', 'SENT'],
  ['delivered', 'delivered', 'DELIVERED'],
  ['bounced', 'bounced', 'FAILED'],
  ['complained', 'complained', 'COMPLAINED'],
];

describe.each(Object.values<CallingProvider>(callingProviders))('$name calls its webhook', (provider) => {
  it.each(moves)('"%s" moves the message to %s and its tenant to %s', async (news, status, shown) => {
    const { messageId, ...registered } = await registerAndMail();
    const answer = await call(api, provider.request([[news, messageId]]));
    expect([answer.statusCode, answer.json()]).toEqual([200, { ok: true }]);
    expect(await statusOf(messageId)).toBe(status);
    expect(await tenantOf(api, registered)).toMatchObject({ verificationEmailStatus: shown });
  });

  it('with the older of two secrets, and the same request again counts once', async () => {
    const { messageId } = await registerAndMail();
    const request = provider.request([['delivered', messageId]], 'older');
    const before = await countRows(installation.db);
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(api, request)));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    const after = await countRows(installation.db);
    expect(after['delivery_events']).toBe((before['delivery_events'] ?? 0) + 1);
    expect(after['account_events']).toBe((before['account_events'] ?? 0) + 1);
    expect(await statusOf(messageId)).toBe('delivered');
  });

  it('forged, or with no proof at all: 401, nothing is stored, and it is counted', async () => {
    const { messageId } = await registerAndMail();
    const before = await countRows(installation.db);
    const forged = provider.request([['complained', messageId]], 'forged');
    const { statusCode, body } = await call(api, forged);
    const bare = await call(api, {
      ...forged,
      headers: { 'content-type': 'application/json' },
      payload: '{}',
    });
    expect([statusCode, bare.statusCode]).toEqual([401, 401]);
    expect(body).not.toContain('example.org');
    expect(await countRows(installation.db)).toEqual(before);
    const metrics = await api.app.inject({ method: 'GET', url: '/metrics' });
    for (const outcome of ['mismatch', 'missing'])
      expect(metrics.body).toContain(
        `reconfirm_webhooks_total{provider="${provider.name}",outcome="${outcome}"}`,
      );
  });

  it('without its secret everything is refused', async () => {
    const [setting] = Object.keys(provider.settings);
    const keyless = await installation.startApi({ ...settings, [setting ?? '']: '' }, { get: amazon.get });
    const { messageId } = await registerAndMail();
    expect((await call(keyless, provider.request([['delivered', messageId]]))).statusCode).toBe(401);
    expect(await statusOf(messageId)).toBe('sent');
  });

  it('nothing of the address is logged or kept', async () => {
    const { messageId } = await registerAndMail();
    await call(api, provider.request([['bounced', messageId]]));
    const rows = await installation.db
      .selectFrom('delivery_events')
      .selectAll()
      .where('message_id', '=', messageId)
      .execute();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain('somebody');
    expect(api.logged()).not.toContain('somebody@example.org');
  });
});

describe.each([callingProviders.sendgrid, callingProviders.brevo])('$name sends batches', (provider) => {
  it('whose reports are stored together: each message moves, the highest of several counts', async () => {
    const messages = [];
    for (let i = 0; i < 5; i += 1) messages.push((await registerAndMail()).messageId);
    const [a = '', b = '', c = '', d = '', e = ''] = messages;
    const answer = await call(
      api,
      provider.request([
        ['delivered', a],
        ['complained', b],
        ['delivered', b],
        ['accepted', c],
        ['bounced', d],
        ['delivered', '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d99'],
        ['delivered', a],
      ]),
    );
    expect(answer.statusCode).toBe(200);
    expect(await Promise.all([a, b, c, d, e].map(statusOf))).toEqual([
      'delivered',
      'complained',
      'sent',
      'bounced',
      'sent',
    ]);
    const events = await installation.db
      .selectFrom('delivery_events')
      .select('id')
      .where('message_id', '=', b)
      .execute();
    expect(events).toHaveLength(2);
  });

  it('of which nothing is stored when one cannot be: 503, and the retry stores all', async () => {
    const messages = [(await registerAndMail()).messageId, (await registerAndMail()).messageId];
    const request = provider.request(messages.map((id) => ['delivered', id] as const));
    const before = await countRows(installation.db);
    await installation.db.schema.alterTable('account_events').renameTo('account_events_away').execute();
    try {
      expect((await call(api, request)).statusCode).toBe(503);
    } finally {
      await installation.db.schema.alterTable('account_events_away').renameTo('account_events').execute();
    }
    expect(await countRows(installation.db)).toEqual(before);
    expect((await call(api, request)).statusCode).toBe(200);
    expect(await Promise.all(messages.map(statusOf))).toEqual(['delivered', 'delivered']);
  });

  it('of 700 KB and two of them at once', async () => {
    const { messageId } = await registerAndMail();
    const reports = Array.from({ length: 2500 }, (_, i) => {
      const id = `0199c2f4-8a51-7c3e-9d20-${String(i).padStart(12, '0')}`;
      return ['delivered', id] as const;
    });
    const request = provider.request([...reports, ['delivered', messageId]]);
    expect(request.payload.length).toBeGreaterThan(400 * 1024);
    const answers = await Promise.all([request, request].map((one) => call(api, one)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    // A request as large as this is answered once it is stored.
    await eventually('its message has moved', async () =>
      (await statusOf(messageId)) === 'delivered' ? true : undefined,
    );
  });

  it('but not of more than a mebibyte', async () => {
    const request = provider.request([['delivered', '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d99']]);
    const answer = await call(api, { ...request, payload: ' '.repeat(1024 * 1024 + 1) });
    expect(answer.statusCode).toBe(413);
  });
});

describe('addresses that may call', () => {
  it.each([callingProviders.postmark, callingProviders.brevo])('$name', async (provider) => {
    const setting = `${provider.name.toUpperCase()}_WEBHOOK_ADDRESSES`;
    const limited = await installation.startApi({
      ...settings,
      [setting]: '198.51.100.0/24',
      TRUSTED_PROXIES: '127.0.0.1',
    });
    const { messageId } = await registerAndMail();
    const request = provider.request([['delivered', messageId]]);
    const from = (address: string): Promise<Answer> =>
      call(limited, { ...request, headers: { ...request.headers, 'x-forwarded-for': address } });
    expect((await from('203.0.113.7')).statusCode).toBe(401);
    expect(await statusOf(messageId)).toBe('sent');
    expect((await from('198.51.100.7')).statusCode).toBe(200);
    expect(await statusOf(messageId)).toBe('delivered');
  });
});

describe('Amazon SNS', () => {
  beforeEach(() => {
    amazon.asked.length = 0;
    amazon.answer = (_path, response) => response.end(snsCertificate);
  });
  const token = 'f'.repeat(64);
  const subscribe = (topic: string) =>
    snsMessage({
      Type: 'SubscriptionConfirmation',
      TopicArn: topic,
      Token: token,
      Message: 'You have chosen to subscribe to the topic.',
      SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topic}&Token=${token}`,
    });

  it('its certificate is fetched once, however many requests arrive together', async () => {
    const fresh = await installation.startApi(settings, { get: amazon.get });
    const { messageId } = await registerAndMail();
    const requests = Array.from({ length: 20 }, () =>
      callingProviders.ses.request([['delivered', messageId]]),
    );
    const answers = await Promise.all(requests.map((request) => call(fresh, request)));
    answers.push(await call(fresh, callingProviders.ses.request([['opened', messageId]])));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect(amazon.asked).toEqual([snsCertificatePath]);
  });

  it('a subscription of our topic is confirmed, and a foreign one asks nothing of anybody', async () => {
    expect((await call(api, subscribe(`${topicArn}-of-somebody-else`))).statusCode).toBe(401);
    expect(amazon.asked).toEqual([]);
    expect((await call(api, subscribe(topicArn))).statusCode).toBe(200);
    expect(amazon.asked.at(-1)).toBe(`/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=${token}`);
    expect(api.logged()).toContain('webhook.subscription_confirmed');
    expect(api.logged()).not.toContain(token);
  });

  it('a message that is about no mail is taken, counted as ignored, and stores nothing', async () => {
    const before = await countRows(installation.db);
    const greeting = 'Successfully validated SNS topic for Amazon SES event publishing.';
    const messages = [
      snsMessage({ Type: 'Notification', TopicArn: topicArn, Message: greeting }),
      snsMessage({
        Type: 'UnsubscribeConfirmation',
        TopicArn: topicArn,
        Token: token,
        Message: 'You have chosen to deactivate the subscription.',
        SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topicArn}`,
      }),
    ];
    for (const message of messages) expect((await call(api, message)).statusCode).toBe(200);
    expect(await countRows(installation.db)).toEqual(before);
    const metrics = await api.app.inject({ method: 'GET', url: '/metrics' });
    expect(metrics.body).toContain('reconfirm_webhooks_total{provider="ses",outcome="ignored"} 2');
    expect(amazon.asked.filter((path) => path.includes('Confirm'))).toEqual([]);
  });

  it('a confirmation that Amazon does not take is a 503, so that it is asked for again', async () => {
    amazon.answer = (path, response) => {
      if (path.includes('Confirm')) response.writeHead(500);
      response.end(snsCertificate);
    };
    expect((await call(api, subscribe(topicArn))).statusCode).toBe(503);
  });

  it.each<readonly [string, (response: ServerResponse) => void]>([
    ['is not there', (response) => response.writeHead(404).end(snsCertificate)],
    ['leads elsewhere', (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()],
    ['is too large', (response) => response.end('x'.repeat(100 * 1024))],
    ['breaks off', (response) => response.destroy()],
  ])('a certificate that %s is a 503, nothing is stored, and the retry counts', async (_what, answer) => {
    const fresh = await installation.startApi(settings, { get: amazon.get });
    const { messageId } = await registerAndMail();
    const request = callingProviders.ses.request([['delivered', messageId]]);
    const before = await countRows(installation.db);
    amazon.answer = (_path, response) => answer(response);
    expect((await call(fresh, request)).statusCode).toBe(503);
    expect(await countRows(installation.db)).toEqual(before);
    amazon.answer = (_path, response) => response.end(snsCertificate);
    expect((await call(fresh, request)).statusCode).toBe(200);
    expect(await statusOf(messageId)).toBe('delivered');
  });

  it('a certificate that never comes is a 503 within its deadline', async () => {
    const fresh = await installation.startApi(settings, { get: amazon.get });
    amazon.answer = () => undefined;
    const answer = await call(fresh, callingProviders.ses.request([['delivered', 'x']]));
    expect(answer.statusCode).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('strangers who make up certificates keep nobody waiting: some are asked for at a time, the others get 503', async () => {
    const fresh = await installation.startApi(settings, { get: amazon.get });
    const held: ServerResponse[] = [];
    amazon.answer = (_path, response) => held.push(response);
    const madeUp = Array.from({ length: 20 }, (_, i) => {
      const path = `/SimpleNotificationService-${String(i).padStart(32, '0')}.pem`;
      return call(
        fresh,
        snsMessage({ Type: 'Notification', TopicArn: topicArn, Message: '{}' }, undefined, path),
      );
    });
    const answers = await Promise.all(madeUp);
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([503]));
    expect(held.length).toBeLessThanOrEqual(8);
  });
});
