import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appOrigin, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem } from './support/problems.ts';
import { parseRateLimit, retryAfterSeconds } from './support/rate-limit-header.ts';
import {
  type Answer,
  get,
  newClient,
  newEmail,
  post,
  postAsAdmin,
  register,
  resend,
} from './support/requests.ts';
import { allMessages, countRows } from './support/rows.ts';

const statusesOf = (answers: readonly Answer[]): number[] => answers.map((answer) => answer.statusCode);

/** The only honest check of a promised wait is to wait it out: the clock is the store's. */
const waitAsTold = (answer: Answer): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, retryAfterSeconds(answer) * 1000));

describe('limits of the v1 contract', () => {
  let installation: Installation;
  let api: TestApi;

  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());

  it('a second resend within 60 seconds is a 429 TOO_MANY_REQUESTS, registered or not', async () => {
    const email = newEmail();
    expect((await resend(api, email)).statusCode).toBe(200);
    const refused = await resend(api, email);
    expectProblem(refused, { status: 429, code: 'TOO_MANY_REQUESTS', reason: 'RESEND_COOLDOWN' });
    expect(retryAfterSeconds(refused)).toBeGreaterThan(50);
    expect(retryAfterSeconds(refused)).toBeLessThanOrEqual(60);
  });

  it('with ERROR_CODES=specific the cooldown is called RESEND_COOLDOWN and the client limit TOO_MANY_REQUESTS', async () => {
    const specific = await installation.startApi({ ERROR_CODES: 'specific', RATE_LIMIT_IP: '1/3600' });
    const [email, from] = [newEmail(), newClient()];
    await resend(specific, email, { from });
    expectProblem(await resend(specific, email), {
      status: 429,
      code: 'RESEND_COOLDOWN',
      reason: 'RESEND_COOLDOWN',
    });
    expectProblem(await resend(specific, newEmail(), { from }), {
      status: 429,
      code: 'TOO_MANY_REQUESTS',
      reason: 'IP_RATE_LIMIT',
    });
  });

  it('the mail of a registration starts the cooldown', async () => {
    const { email } = await register(api);
    expectProblem(await resend(api, email), { status: 429, reason: 'RESEND_COOLDOWN' });
  });

  it('a verified account gets its 409 whatever its cooldown', async () => {
    const { email, tenantId } = await register(api);
    await postAsAdmin(api, `/v1/admin/tenants/${tenantId}/verify`);
    expectProblem(await resend(api, email), { status: 409, reason: 'ALREADY_VERIFIED' });
  });

  it('one client gets 5 an hour, registrations and resends together, and then a 429', async () => {
    const from = newClient();
    const answers = [
      await post(api, '/v1/register', { email: newEmail() }, { from }),
      await resend(api, newEmail(), { from }),
      await post(api, '/v1/register', { email: newEmail() }, { from }),
      await resend(api, newEmail(), { from }),
      await resend(api, newEmail(), { from }),
    ];
    expect(statusesOf(answers)).toEqual([201, 200, 201, 200, 200]);
    const refused = await resend(api, newEmail(), { from });
    expectProblem(refused, { status: 429, code: 'TOO_MANY_REQUESTS', reason: 'IP_RATE_LIMIT' });
    expect(retryAfterSeconds(refused)).toBeGreaterThan(3500);
    expectProblem(await post(api, '/v1/register', { email: newEmail() }, { from }), {
      status: 429,
      reason: 'IP_RATE_LIMIT',
    });
  });

  it('what stands for the contract’s recover counts against the same 5 an hour', async () => {
    const from = newClient();
    const recover = () =>
      post(
        api,
        '/v1/resend',
        { purpose: 'recovery', email: newEmail(), redirectUrl: `${appOrigin}/set-password` },
        { from },
      );
    const answers = [
      await recover(),
      await post(api, '/v1/register', { email: newEmail() }, { from }),
      await recover(),
      await resend(api, newEmail(), { from }),
      await recover(),
    ];
    expect(statusesOf(answers)).toEqual([200, 201, 200, 200, 200]);
    for (const refused of [await recover(), await resend(api, newEmail(), { from })])
      expectProblem(refused, { status: 429, reason: 'IP_RATE_LIMIT' });
  });

  it('a request that the client limit refuses does not start the cooldown of its address', async () => {
    const once = await installation.startApi({ RATE_LIMIT_IP: '1/3600' });
    const [from, email] = [newClient(), newEmail()];
    await resend(once, newEmail(), { from });
    expectProblem(await resend(once, email, { from }), { status: 429, reason: 'IP_RATE_LIMIT' });
    expect((await resend(once, email)).statusCode).toBe(200);
  });

  it('a request that the cooldown refuses costs its client nothing', async () => {
    const [from, email] = [newClient(), newEmail()];
    await resend(api, email);
    for (let count = 0; count < 10; count += 1)
      expectProblem(await resend(api, email, { from }), { status: 429, reason: 'RESEND_COOLDOWN' });
    const answers = [];
    for (let count = 0; count < 5; count += 1) answers.push(await resend(api, newEmail(), { from }));
    expect(statusesOf(answers)).toEqual([200, 200, 200, 200, 200]);
  });

  it('asking who is verified stays charged to the client, so that nobody asks about a list', async () => {
    const from = newClient();
    const { email, tenantId } = await register(api);
    await postAsAdmin(api, `/v1/admin/tenants/${tenantId}/verify`);
    const answers = [];
    for (let count = 0; count < 6; count += 1) answers.push(await resend(api, email, { from }));
    expect(statusesOf(answers)).toEqual([409, 409, 409, 409, 409, 429]);
  });

  it('asking who is verified costs the client and not the address, when the address has room too', async () => {
    const roomy = await installation.startApi({ RATE_LIMIT_ADDRESS: '2/600' });
    const from = newClient();
    const { email, tenantId } = await register(roomy);
    await postAsAdmin(roomy, `/v1/admin/tenants/${tenantId}/verify`);
    const answers = [];
    for (let count = 0; count < 6; count += 1) answers.push(await resend(roomy, email, { from }));
    expect(statusesOf(answers)).toEqual([409, 409, 409, 409, 409, 429]);
    const cooldown = await get(roomy, `/v1/verification/cooldown?email=${encodeURIComponent(email)}`);
    expect(cooldown.json()).toMatchObject({ remainingSeconds: 0 });
  });

  it('asking who is registered stays charged to the client too', async () => {
    const from = newClient();
    const { email } = await register(api);
    const answers = [];
    for (let count = 0; count < 6; count += 1)
      answers.push(await post(api, '/v1/register', { email }, { from }));
    expect(statusesOf(answers)).toEqual([409, 409, 409, 409, 409, 429]);
  });

  it('a registration that a limit refuses writes nothing', async () => {
    const email = newEmail();
    await resend(api, email);
    const before = await countRows(installation.db);
    expectProblem(await post(api, '/v1/register', { email }), { status: 429, reason: 'RESEND_COOLDOWN' });
    expect(await countRows(installation.db)).toEqual(before);
  });

  it('waiting exactly as long as Retry-After says is enough', async () => {
    const short = await installation.startApi({ RATE_LIMIT_ADDRESS: '1/2' });
    const email = newEmail();
    expect((await resend(short, email)).statusCode).toBe(200);
    const refused = await resend(short, email);
    expect(refused.statusCode).toBe(429);
    await waitAsTold(refused);
    expect((await resend(short, email)).statusCode).toBe(200);
  });

  it('the cooldown can be read without spending it, by anybody and for any address', async () => {
    const email = newEmail();
    const path = `/v1/verification/cooldown?email=${encodeURIComponent(email)}`;
    const free = (await get(api, path)).json<{ remainingSeconds: number }>();
    expect(free).toMatchObject({ ok: true, remainingSeconds: 0 });
    await resend(api, email);
    const busy = (await get(api, path)).json<{ remainingSeconds: number; nextAllowedAt: string }>();
    expect(busy.remainingSeconds).toBeGreaterThan(50);
    const waitMs = Date.parse(busy.nextAllowedAt) - Date.now();
    expect(Math.abs(waitMs - busy.remainingSeconds * 1000)).toBeLessThan(2000);
  });

  it('the RateLimit headers name both limits, what is left of them, and when that changes', async () => {
    const from = newClient();
    await resend(api, newEmail(), { from });
    const answer = await resend(api, newEmail(), { from });
    expect(parseRateLimit(answer.headers['ratelimit-policy'])).toEqual([
      { name: 'ip', parameters: { q: 5, w: 3600 } },
      { name: 'address', parameters: { q: 1, w: 60 } },
    ]);
    const [ip, address] = parseRateLimit(answer.headers['ratelimit']);
    expect(ip).toMatchObject({ name: 'ip', parameters: { r: 3 } });
    expect(address).toMatchObject({ name: 'address', parameters: { r: 0, t: 60 } });
    expect(ip?.parameters['t']).toBeGreaterThan(3590);
  });

  it('a refusal carries the same headers, and what it did not charge is still there', async () => {
    const [from, email] = [newClient(), newEmail()];
    await resend(api, email);
    const refused = await resend(api, email, { from });
    const [ip, address] = parseRateLimit(refused.headers['ratelimit']);
    expect([ip?.parameters['r'], address?.parameters['r']]).toEqual([5, 0]);
    expect(retryAfterSeconds(refused)).toBe(address?.parameters['t']);
  });

  it('several limits of one address hold together, and the longest wait is told', async () => {
    const capped = await installation.startApi({ RATE_LIMIT_ADDRESS: '2/60,3/86400', RATE_LIMIT_IP: 'off' });
    const email = newEmail();
    expect(statusesOf([await resend(capped, email), await resend(capped, email)])).toEqual([200, 200]);
    const refused = await resend(capped, email);
    expect(retryAfterSeconds(refused)).toBeLessThanOrEqual(60);
    expect(parseRateLimit(refused.headers['ratelimit-policy']).map((item) => item.name)).toEqual([
      'address-60',
      'address-86400',
    ]);
  });

  it('limits that are off leave no headers and refuse nobody', async () => {
    const free = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off', RATE_LIMIT_IP: 'off' });
    const [from, email] = [newClient(), newEmail()];
    const answers = await Promise.all(Array.from({ length: 20 }, () => resend(free, email, { from })));
    expect(new Set(statusesOf(answers))).toEqual(new Set([200]));
    for (const header of ['ratelimit', 'ratelimit-policy', 'retry-after'])
      expect(answers[0]?.headers[header]).toBeUndefined();
  });

  it('of 50 parallel resends over two processes one is accepted, 49 are refused, and one row is written', async () => {
    const other = await installation.startApi();
    const email = newEmail();
    const before = (await allMessages(installation.db)).length;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => resend(index % 2 === 0 ? api : other, email)),
    );
    expect(statusesOf(answers).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 49 }, () => 429),
    ]);
    for (const refused of answers.filter((answer) => answer.statusCode === 429))
      expect(retryAfterSeconds(refused)).toBeGreaterThan(0);
    expect(await allMessages(installation.db)).toHaveLength(before + 1);
  });

  it('of 50 parallel requests of one client 5 are accepted', async () => {
    const from = newClient();
    const answers = await Promise.all(Array.from({ length: 50 }, () => resend(api, newEmail(), { from })));
    expect(statusesOf(answers).filter((status) => status === 200)).toHaveLength(5);
    expect(statusesOf(answers).filter((status) => status === 429)).toHaveLength(45);
  });
});
