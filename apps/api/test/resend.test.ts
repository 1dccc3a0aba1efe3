import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { newEmail, post, postAsAdmin, register, resend, setTenantStatus } from './support/requests.ts';
import { allMessages, countRows, newestMessage } from './support/rows.ts';

const genericMessage = 'If that email is registered and unverified, a new verification email has been sent.';

describe('POST /v1/resend-verification', () => {
  let installation: Installation;
  let seed: TestApi;
  let specific: TestApi;

  beforeAll(async () => {
    installation = await openInstallation();
    seed = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
    specific = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off', ERROR_CODES: 'specific' });
  });
  afterAll(() => installation.close());

  it('answers 200 with the documented message, to the letter', async () => {
    const { email } = await register(seed);
    const answer = await resend(seed, email);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toBe(JSON.stringify({ ok: true, message: genericMessage }));
  });

  it('writes one queued row for an accepted request, with hashes where the address would be', async () => {
    const { email } = await register(seed);
    const before = await countRows(installation.db);
    expect((await resend(seed, email, { body: { locale: 'es-MX' } })).statusCode).toBe(200);
    expect(await countRows(installation.db)).toEqual({ ...before, messages: (before['messages'] ?? 0) + 1 });
    const row = await newestMessage(installation.db);
    expect(row).toMatchObject({
      status: 'queued',
      purpose: 'signup',
      contract: 'v1',
      locale: 'es-MX',
      redirect_url: null,
    });
    expect(JSON.stringify(row)).not.toContain(email);
  });

  it('accepts an unknown address as a row like any other', async () => {
    const before = (await allMessages(installation.db)).length;
    expect((await resend(seed, newEmail())).statusCode).toBe(200);
    expect(await allMessages(installation.db)).toHaveLength(before + 1);
  });

  it('takes every spelling of one address as the same subject', async () => {
    const { email } = await register(seed, { email: 'Ada.Lovelace+signup@Gmail.com' });
    const registered = await newestMessage(installation.db);
    expect((await resend(seed, 'adalovelace@googlemail.com')).statusCode).toBe(200);
    expect(email).toBe('Ada.Lovelace+signup@gmail.com');
    expect((await newestMessage(installation.db)).subject_key).toEqual(registered.subject_key);
  });

  describe.each([
    ['documented', () => seed, { invalid: 'VALIDATION_ERROR', verified: 'CONFLICT', suspended: 'FORBIDDEN' }],
    [
      'specific',
      () => specific,
      { invalid: 'VALIDATION_FAILED', verified: 'ALREADY_VERIFIED', suspended: 'ACCOUNT_SUSPENDED' },
    ],
  ] as const)('with ERROR_CODES=%s', (_, api, codes) => {
    it.each([
      ['missing', {}],
      ['empty', { email: '' }],
      ['no address', { email: 'not-an-address' }],
      ['a list of addresses', { email: 'a@example.org,b@example.org' }],
    ])(`an e-mail that is %s is a 400 ${codes.invalid} that names the field`, async (_name, body) => {
      const before = await countRows(installation.db);
      const problem = expectProblem(await post(api(), '/v1/resend-verification', body), {
        status: 400,
        code: codes.invalid,
        reason: 'VALIDATION_FAILED',
      });
      expect(fieldsOf(problem)).toEqual(['email']);
      expect(await countRows(installation.db)).toEqual(before);
    });

    it(`a verified account is a 409 ${codes.verified}`, async () => {
      const { email, tenantId } = await register(api());
      await postAsAdmin(api(), `/v1/admin/tenants/${tenantId}/verify`);
      expectProblem(await resend(api(), email), {
        status: 409,
        code: codes.verified,
        reason: 'ALREADY_VERIFIED',
      });
    });

    it('a verified account that is past due is a 409 as well', async () => {
      const { email, tenantId } = await register(api());
      await setTenantStatus(api(), tenantId, 'PAST_DUE');
      expectProblem(await resend(api(), email), {
        status: 409,
        code: codes.verified,
        reason: 'ALREADY_VERIFIED',
      });
    });

    it(`a suspended account is a 403 ${codes.suspended}`, async () => {
      const { email, tenantId } = await register(api());
      await setTenantStatus(api(), tenantId, 'SUSPENDED');
      const before = await countRows(installation.db);
      expectProblem(await resend(api(), email), {
        status: 403,
        code: codes.suspended,
        reason: 'ACCOUNT_SUSPENDED',
      });
      expect(await countRows(installation.db)).toEqual(before);
    });
  });
});

describe('EMAIL_IDENTITY=exact', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation();
  });
  afterAll(() => installation.close());

  it('keeps two spellings of a Gmail address apart as accounts, and together for the cooldown', async () => {
    const api = await installation.startApi({ EMAIL_IDENTITY: 'exact' });
    const relaxed = await installation.startApi({ EMAIL_IDENTITY: 'exact', RATE_LIMIT_ADDRESS: 'off' });
    await register(api, { email: 'g.hopper@gmail.com' });
    const [first] = await allMessages(installation.db);
    expectProblem(await resend(api, 'ghopper+again@gmail.com'), { status: 429, reason: 'RESEND_COOLDOWN' });
    expect((await resend(relaxed, 'ghopper@gmail.com')).statusCode).toBe(200);
    expect((await newestMessage(installation.db)).subject_key).not.toEqual(first?.subject_key);
  });
});
