import fc from 'fast-check';
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import {
  type Installation,
  openInstallation,
  startApi,
  type TestApi,
  webhookKey,
} from './support/installation.ts';
import { postLegacy, postRaw, postReport, report, sign } from './support/mailgun.ts';
import { expectProblem } from './support/problems.ts';
import { retryAfterSeconds } from './support/rate-limit-header.ts';
import { register } from './support/requests.ts';
import { countRows } from './support/rows.ts';
import { closedPort } from './support/unreachable.ts';

describe('a webhook that is refused', () => {
  let installation: Installation;
  let api: TestApi;
  let messageId: string;
  let before: Record<string, number>;

  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
    await register(api);
    ({ messageId } = await handOverNewest(installation.db, api.config));
  });
  afterAll(() => installation.close());
  beforeEach(async () => {
    before = await countRows(installation.db);
  });
  afterEach(async () => {
    assert.deepEqual(await countRows(installation.db), before);
  });

  const good = sign();
  it.each([
    ['signed with another key', sign({ key: 'another-key' })],
    ['signed with the empty key', sign({ key: '' })],
    ['signed two days ago', sign({ ageSeconds: 2 * 86_400 })],
    ['signed 6 minutes in the future', sign({ ageSeconds: -360 })],
    ['without a signature', {}],
    ['with another token', { ...good, token: '0'.repeat(50) }],
    ['with another time', { ...good, timestamp: String(Number(good.timestamp) - 1) }],
    ['with a signature in capitals', { ...good, signature: good.signature.toUpperCase() }],
    ['with half a signature', { ...good, signature: good.signature.slice(0, 32) }],
    ['with an empty signature', { ...good, signature: '' }],
    ['with a list for a signature', { ...good, signature: [good.signature] }],
  ])('%s: 401 and nothing is stored', async (_what, signature) => {
    const answer = await postReport(api, report('delivered', messageId), signature);
    expect([answer.statusCode, Object.keys(answer.json<object>())]).toEqual([401, ['error']]);
  });

  it('signed in the flat form with another key: 401', async () => {
    const fields = { event: 'delivered', 'Message-Id': `<${messageId}@mail.example.com>` };
    expect((await postLegacy(api, fields, sign({ key: 'another-key' }))).statusCode).toBe(401);
  });

  it.each(['', ',', ' , '])(
    'without a signing key (%j) nothing is ever accepted, the empty key least of all',
    async (keys) => {
      const keyless = await installation.startApi({ MAILGUN_WEBHOOK_SIGNING_KEY: keys });
      for (const key of ['', ' ', 'undefined', webhookKey])
        expect((await postReport(keyless, report('delivered', messageId), sign({ key }))).statusCode).toBe(
          401,
        );
    },
  );

  it.each([
    ['no JSON', '{"signature":'],
    ['empty', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '42'],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ['deep', '['.repeat(50_000)],
  ])('a body that is %s: 406, which ends Mailgun’s retries', async (_what, body) => {
    expect((await postRaw(api, body)).statusCode).toBe(406);
  });

  it('a body over 256 KiB: 413, whoever signed it', async () => {
    const answer = await postReport(api, report('delivered', messageId, { padding: 'x'.repeat(256 * 1024) }));
    expectProblem(answer, { status: 413, reason: 'PAYLOAD_TOO_LARGE' });
  });

  it('random bytes of any type: 4xx, never 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom(
          'application/json',
          'application/x-www-form-urlencoded',
          'text/plain',
          'multipart/form-data',
          'x',
        ),
        async (bytes, type) => {
          const { statusCode } = await postRaw(api, Buffer.from(bytes), type);
          expect(statusCode).toBeGreaterThanOrEqual(400);
          expect(statusCode).toBeLessThan(500);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a webhook that is well signed', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ MAILGUN_WEBHOOK_SIGNING_KEY: `older-key,${webhookKey}` });
  });
  afterAll(() => installation.close());

  it('is taken with either key while they are rotated', async () => {
    for (const key of ['older-key', webhookKey])
      expect((await postReport(api, report('delivered', ''), sign({ key }))).statusCode).toBe(200);
  });

  it('is good for one body: the same signature over another report is a 406 and moves nothing', async () => {
    await register(api);
    const { messageId } = await handOverNewest(installation.db, api.config);
    const signature = sign();
    await postReport(api, report('delivered', messageId), signature);
    const before = await countRows(installation.db);
    const replayed = await postReport(api, report('complained', messageId), signature);
    expect(replayed.statusCode).toBe(406);
    expect(replayed.json()).toEqual({ error: expect.stringContaining('used before') as string });
    expect(await countRows(installation.db)).toEqual(before);
    const row = await installation.db
      .selectFrom('messages')
      .select('status')
      .where('id', '=', messageId)
      .executeTakeFirst();
    expect(row?.status).toBe('delivered');
  });

  it('that is late counts once, and is counted as late', async () => {
    await register(api);
    const { messageId } = await handOverNewest(installation.db, api.config);
    const late = sign({ ageSeconds: 8 * 3600 });
    const event = report('delivered', messageId);
    for (let times = 0; times < 3; times += 1)
      expect((await postReport(api, event, late)).statusCode).toBe(200);
    const rows = await installation.db
      .selectFrom('delivery_events')
      .select('id')
      .where('message_id', '=', messageId)
      .execute();
    expect(rows).toHaveLength(1);
    const metrics = await api.app.inject({ method: 'GET', url: '/metrics' });
    expect(metrics.body).toContain('reconfirm_webhooks_total{provider="mailgun",outcome="late"} 3');
  });

  it('that is late is a 401 where it is to be refused, as the v1 contract spells it', async () => {
    const strict = await installation.startApi({ WEBHOOK_LATE: 'refuse', WEBHOOK_MAX_AGE_SECONDS: '300' });
    const answers = await Promise.all(
      [290, 360].map((ageSeconds) => postReport(strict, report('delivered', ''), sign({ ageSeconds }))),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 401]);
  });

  it('about anything at all answers 200, or 406 when it is no report, never 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.object({ maxDepth: 3 }), fc.anything(), async (more, event) => {
        const answer = await postReport(api, report('delivered', '', { ...more, event, id: undefined }));
        expect([200, 406]).toContain(answer.statusCode);
      }),
      { numRuns: 500 },
    );
  });

  it('while the database is away is a 503, so that the provider sends it again', async () => {
    const away = await startApi({
      ...installation.settings,
      DATABASE_URL: `postgres://postgres@127.0.0.1:${await closedPort()}/none`,
    });
    try {
      const answer = await postReport(away, report('delivered', '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01'));
      expectProblem(answer, { status: 503, reason: 'SERVICE_UNAVAILABLE' });
      expect(retryAfterSeconds(answer)).toBeGreaterThan(0);
    } finally {
      await away.stop();
    }
  });
});
