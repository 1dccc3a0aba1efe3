import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forgetExpired } from '@reconfirm/db/retention';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { get, newClient, newEmail, postAsAdmin, register, resend } from './support/requests.ts';
import { allMessages } from './support/rows.ts';

let keys = 0;
const newKey = (): string => `key-${(keys += 1)}`;

describe('Idempotency-Key on a resend', () => {
  let installation: Installation;
  let api: TestApi;
  const countMessages = async (): Promise<number> => (await allMessages(installation.db)).length;

  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());

  it('the same request again gets the same answer and no second message, though the cooldown runs', async () => {
    const [email, headers] = [newEmail(), { 'idempotency-key': newKey() }];
    const first = await resend(api, email, { headers });
    const count = await countMessages();
    const again = await resend(api, email, { headers });
    expect([first.statusCode, again.statusCode]).toEqual([200, 200]);
    expect(again.body).toBe(first.body);
    expect([first.headers['idempotency-replayed'], again.headers['idempotency-replayed']]).toEqual([
      undefined,
      'true',
    ]);
    expect(await countMessages()).toBe(count);
  });

  it('a replay charges nobody anything', async () => {
    const [from, email, headers] = [newClient(), newEmail(), { 'idempotency-key': newKey() }];
    for (let count = 0; count < 8; count += 1)
      expect((await resend(api, email, { from, headers })).statusCode).toBe(200);
    const rest = [];
    for (let count = 0; count < 5; count += 1)
      rest.push((await resend(api, newEmail(), { from })).statusCode);
    expect(rest).toEqual([200, 200, 200, 200, 429]);
  });

  it.each([
    ['another address', (_email: string) => ({ email: newEmail() })],
    ['another language', (email: string) => ({ email, locale: 'es' })],
    [
      'another redirect',
      (email: string) => ({ email, verificationRedirectUrl: 'https://app.example.com/other' }),
    ],
  ])('a key that stands for another request (%s) is a 422, and writes nothing', async (_what, other) => {
    const [email, headers] = [newEmail(), { 'idempotency-key': newKey() }];
    await resend(api, email, { headers });
    const count = await countMessages();
    const answer = await resend(api, email, { headers, body: other(email) });
    expectProblem(answer, { status: 422, code: 'IDEMPOTENCY_KEY_REUSED', reason: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await countMessages()).toBe(count);
  });

  it('used in parallel over two processes it makes one message, and every caller is told of success', async () => {
    const other = await installation.startApi();
    const [email, headers] = [newEmail(), { 'idempotency-key': newKey() }];
    const count = await countMessages();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => resend(index % 2 === 0 ? api : other, email, { headers })),
    );
    expect(answers.map((answer) => answer.statusCode)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(new Set(answers.map((answer) => answer.body)).size).toBe(1);
    expect(await countMessages()).toBe(count + 1);
  });

  it('used in parallel it is charged to one client once', async () => {
    const [from, email, headers] = [newClient(), newEmail(), { 'idempotency-key': newKey() }];
    await Promise.all(Array.from({ length: 4 }, () => resend(api, email, { from, headers })));
    const rest = [];
    for (let count = 0; count < 5; count += 1)
      rest.push((await resend(api, newEmail(), { from })).statusCode);
    expect(rest).toEqual([200, 200, 200, 200, 429]);
  });

  it('one key for many requests is charged for each: asking who is verified has its price', async () => {
    const [from, headers] = [newClient(), { 'idempotency-key': newKey() }];
    const verified: string[] = [];
    for (let count = 0; count < 9; count += 1) {
      const { email, tenantId } = await register(api);
      await postAsAdmin(api, `/v1/admin/tenants/${tenantId}/verify`);
      verified.push(email);
    }
    const statuses: number[] = [];
    for (const email of verified) statuses.push((await resend(api, email, { from, headers })).statusCode);
    expect(statuses).toEqual([409, 409, 409, 409, 409, 429, 429, 429, 429]);
  });

  it('one key for several requests at once stands for one of them, and the others cost nobody anything', async () => {
    const wide = await installation.startApi({ RATE_LIMIT_IP: '10/3600' });
    const [from, headers] = [newClient(), { 'idempotency-key': newKey() }];
    const emails = Array.from({ length: 6 }, newEmail);
    const count = await countMessages();
    const answers = await Promise.all(emails.map((email) => resend(wide, email, { from, headers })));
    const statuses = answers.map((answer) => answer.statusCode);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 422, 422, 422, 422, 422]);
    expect(await countMessages()).toBe(count + 1);

    for (const [index, email] of emails.entries()) {
      const cooldown = await get(wide, `/v1/verification/cooldown?email=${email}`);
      const isCooling = cooldown.json<{ remainingSeconds: number }>().remainingSeconds > 0;
      expect({ email, isCooling }).toEqual({ email, isCooling: answers[index]?.statusCode === 200 });
    }
    const rest: number[] = [];
    for (let more = 0; more < 10; more += 1) rest.push((await resend(wide, newEmail(), { from })).statusCode);
    expect(rest).toEqual([...Array.from({ length: 9 }, () => 200), 429]);
  });

  it('a refused request leaves its key free', async () => {
    const [email, headers] = [newEmail(), { 'idempotency-key': newKey() }];
    await resend(api, email);
    expectProblem(await resend(api, email, { headers }), { status: 429, reason: 'RESEND_COOLDOWN' });
    expect((await resend(api, newEmail(), { headers })).statusCode).toBe(200);
  });

  it('a replay is answered as before though the account was registered meanwhile', async () => {
    const [email, headers] = [newEmail(), { 'idempotency-key': newKey() }];
    const free = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
    const first = await resend(free, email, { headers });
    await register(free, { email });
    expect((await resend(free, email, { headers })).body).toBe(first.body);
  });

  it('a key that was forgotten after its day stands for a new request', async () => {
    const free = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
    const [email, headers] = [newEmail(), { 'idempotency-key': newKey() }];
    await resend(free, email, { headers });
    const dayAndHourMs = 25 * 3600 * 1000;
    await installation.db
      .updateTable('messages')
      .set({ accepted_at: new Date(Date.now() - dayAndHourMs) })
      .execute();
    await forgetExpired.idempotencyKeys(installation.db, 30);
    const count = await countMessages();
    const answer = await resend(free, email, { headers });
    expect([answer.statusCode, answer.headers['idempotency-replayed']]).toEqual([200, undefined]);
    expect(await countMessages()).toBe(count + 1);
  });

  it.each([
    ['empty', ''],
    ['longer than 255 characters', 'k'.repeat(256)],
  ])('a key that is %s is a 400', async (_what, key) => {
    const answer = await resend(api, newEmail(), { headers: { 'idempotency-key': key } });
    expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' });
  });
});
