import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTcpProxy, type TcpProxy } from '@reconfirm/local-stack';
import { describeWithRedis } from '@reconfirm/local-stack/testing';
import { eventually } from './support/eventually.ts';
import { type Installation, openInstallation, startApi, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { type Answer, newClient, newEmail, post, resend } from './support/requests.ts';
import { allMessages } from './support/rows.ts';

const unavailable = { status: 503, reason: 'SERVICE_UNAVAILABLE' } as const;

const statuses = (answers: readonly Answer[]): readonly number[] =>
  answers.map((answer) => answer.statusCode);

/** An API whose way to the database a test can break. */
const overLink = async (
  { settings }: Installation,
  work: (api: TestApi, proxy: TcpProxy) => Promise<void>,
): Promise<void> => {
  await using proxy = await openTcpProxy(settings['DATABASE_URL'] ?? '');
  const api = await startApi({ ...settings, DATABASE_URL: proxy.url });
  try {
    await work(api, proxy);
  } finally {
    await api.stop();
  }
};

describe('an answer of the database that is lost on the way', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  it('of a resend’s INSERT is a 503, the message stands, and stays charged', async () => {
    await overLink(installation, async (api, proxy) => {
      const [from, email] = [newClient(), newEmail()];
      const before = (await allMessages(installation.db)).length;
      void proxy.loseAnswerTo('INSERT INTO messages');
      expectProblem(await resend(api, email, { from }), unavailable);
      expect(await allMessages(installation.db), 'it was written').toHaveLength(before + 1);

      expectProblem(await resend(api, email, { from }), { status: 429, reason: 'RESEND_COOLDOWN' });
      const rest: Answer[] = [];
      for (let count = 0; count < 5; count += 1) rest.push(await resend(api, newEmail(), { from }));
      expect(statuses(rest)).toEqual([200, 200, 200, 200, 429]);
    });
  });

  it('of a registration’s COMMIT is a 503, the account stands, and stays charged', async () => {
    await overLink(installation, async (api, proxy) => {
      const [from, email] = [newClient(), newEmail()];
      void proxy.loseAnswerTo('commit');
      expectProblem(await post(api, '/v1/register', { email }, { from }), unavailable);
      expectProblem(await post(api, '/v1/register', { email }), {
        status: 409,
        reason: 'EMAIL_ALREADY_REGISTERED',
      });
      expectProblem(await resend(api, email), { status: 429, reason: 'RESEND_COOLDOWN' });
      const rest: Answer[] = [];
      for (let count = 0; count < 5; count += 1) rest.push(await resend(api, newEmail(), { from }));
      expect(statuses(rest)).toEqual([200, 200, 200, 200, 429]);
    });
  });

  it('of a request with an Idempotency-Key is found again by its repetition', async () => {
    await overLink(installation, async (api, proxy) => {
      const [from, email, headers] = [newClient(), newEmail(), { 'idempotency-key': 'lost-answer' }];
      void proxy.loseAnswerTo('INSERT INTO messages');
      expectProblem(await resend(api, email, { from, headers }), unavailable);
      const again = await resend(api, email, { from, headers });
      expect([again.statusCode, again.headers['idempotency-replayed']]).toEqual([200, 'true']);
    });
  });
});

describeWithRedis('a database that hangs', () => {
  it('keeps nobody waiting for a place in a batch: a 503 within 2.5 seconds, and no connection more', async () => {
    const installation = await openInstallation();
    try {
      await overLink(installation, async (api, proxy) => {
        expect((await resend(api, newEmail())).statusCode).toBe(200);
        await proxy.become('silent');
        // A request whose batch takes the one place, and waits for the whole of DATABASE_TIMEOUT_MS.
        const caught = resend(api, newEmail());
        await eventually('a batch is under way', async () => proxy.swallowed() >= 1 || undefined);
        const startedMs = performance.now();
        const answers = await Promise.all(
          Array.from({ length: 100 }, async () => {
            const answer = await resend(api, newEmail());
            return { answer, tookMs: performance.now() - startedMs };
          }),
        );
        for (const { answer } of answers) expectProblem(answer, unavailable);
        expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(2500);
        expect(proxy.swallowed(), 'nothing of theirs was sent').toBe(1);
        expect((await caught).statusCode).toBe(503);
      });
    } finally {
      await installation.close();
    }
  }, 40_000);
});
