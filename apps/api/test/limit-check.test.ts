import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { type Answer, newClient, newEmail, post, resend } from './support/requests.ts';

const path = '/v1/admin/limits/check';
const headers = { authorization: `Bearer ${adminKey}` };

interface Check {
  readonly allowed: boolean;
  readonly refusedBy: string | null;
  readonly retryAfterSeconds: number;
  readonly nextAllowedAt: string;
  readonly buckets: readonly {
    readonly bucket: string;
    readonly windows: readonly { readonly max: number; readonly remaining: number }[];
  }[];
}

describe('a dry run of the limits', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());

  const ask = (body: object): Promise<Answer> => post(api, path, body, { headers });
  const check = async (body: object): Promise<Check> => {
    const answer = await ask(body);
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json<Check>();
  };
  const remainingOf = ({ buckets }: Check): readonly number[] =>
    buckets.flatMap(({ windows }) => windows.map(({ remaining }) => remaining));

  it('says that nothing refuses, charges nothing, and is right', async () => {
    const [email, ip] = [newEmail(), newClient()];
    for (let asked = 0; asked < 10; asked += 1)
      expect(await check({ email, ip })).toMatchObject({
        allowed: true,
        refusedBy: null,
        retryAfterSeconds: 0,
      });
    expect(remainingOf(await check({ email, ip }))).toEqual([5, 1]);
    expect((await resend(api, email, { from: ip })).statusCode).toBe(200);
    expect(remainingOf(await check({ email, ip }))).toEqual([4, 0]);
  });

  it('names the address whose cooldown holds, and when it is over', async () => {
    const [email, ip] = [newEmail(), newClient()];
    await resend(api, email, { from: newClient() });
    const seen = await check({ email, ip });
    expect(seen).toMatchObject({ allowed: false, refusedBy: 'address' });
    const refused = await resend(api, email, { from: ip });
    expect(refused.statusCode).toBe(429);
    expect(seen.retryAfterSeconds - Number(refused.headers['retry-after'])).toBeLessThanOrEqual(1);
    expect(
      Math.abs(Date.parse(seen.nextAllowedAt) - Date.now() - seen.retryAfterSeconds * 1000),
    ).toBeLessThan(2000);
    expect(await check({ email, ip, purpose: 'recovery' }), 'another purpose').toMatchObject({
      allowed: true,
    });
  });

  it('names the client that has used up its limit, by prefix as the limits do', async () => {
    for (let asked = 0; asked < 5; asked += 1) await resend(api, newEmail(), { from: '2001:db8:7:7::1' });
    expect(await check({ email: newEmail(), ip: '2001:db8:7:7::2' })).toMatchObject({ refusedBy: 'ip' });
    expect(await check({ email: newEmail(), ip: '2001:db8:7:8::2' })).toMatchObject({ refusedBy: null });
  });

  it('says why no SMS goes to a number, whatever the limits say', async () => {
    expect(await check({ phone: '+4520123456', purpose: 'sms', ip: newClient() })).toMatchObject({
      allowed: false,
      refusedBy: null,
      smsRefusal: 'sms_off',
    });
  });

  it('is refused to everybody but the operator, and writes no address into the log', async () => {
    const email = newEmail();
    for (const sender of [{}, { headers: { authorization: 'Bearer someone-else-0123456789' } }])
      expectProblem(await post(api, path, { email, ip: newClient() }, sender), {
        status: 401,
        reason: 'UNAUTHORIZED',
      });
    await check({ email, ip: '203.0.113.77' });
    expect(api.logged()).not.toContain(email);
    expect(api.logged()).not.toContain('203.0.113.77');
  });

  it.each([
    ['ip', { email: 'a@example.com', ip: 'here' }],
    ['email', { ip: '192.0.2.1' }],
    ['phone', { email: 'a@example.com', phone: '+4520123456', ip: '192.0.2.1' }],
    ['purpose', { email: 'a@example.com', ip: '192.0.2.1', purpose: 'relayed' }],
    ['contract', { email: 'a@example.com', ip: '192.0.2.1', contract: 'entryguard' }],
  ])('refuses a wrong %s by name', async (field, body) => {
    const problem = expectProblem(await ask(body), { status: 400, reason: 'VALIDATION_FAILED' });
    expect(fieldsOf(problem)).toEqual([field]);
  });

  it('is a 404 for an organization that there is none of', async () => {
    const organizationId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';
    expectProblem(await ask({ email: newEmail(), ip: newClient(), organizationId }), {
      status: 404,
      reason: 'NOT_FOUND',
    });
  });
});
