import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { get, newEmail, post, register, tenantOf } from './support/requests.ts';
import { countRows, newestMessage } from './support/rows.ts';

describe('POST /v1/register', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_ADDRESS: 'off' });
  });
  afterAll(() => installation.close());

  it('answers 201 with the tenant that waits for verification, and its API key', async () => {
    const email = newEmail();
    const answer = await post(api, '/v1/register', {
      email,
      name: 'Ana',
      locale: 'es',
      verificationRedirectUrl: 'https://app.example.com/verify',
    });
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({
      ok: true,
      tenant: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        email,
        phone: null,
        name: 'Ana',
        status: 'PENDING_VERIFICATION',
        locale: 'es',
        verificationEmailStatus: null,
        verifiedAt: null,
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      },
      apiKey: expect.stringMatching(/^rk_[0-9a-f]{32}_[\w-]{43}$/) as string,
    });
  });

  it('hints at what was probably meant, and registers what was typed', async () => {
    const typed = newEmail().replace(/@.*/, '@gmial.com');
    const answer = await post(api, '/v1/register', { email: typed });
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toMatchObject({
      tenant: { email: typed },
      emailSuggestion: typed.replace('gmial', 'gmail'),
    });
  });

  it('writes account, key and first message, all of them', async () => {
    const before = await countRows(installation.db);
    await register(api);
    const after = await countRows(installation.db);
    for (const table of ['accounts', 'api_keys', 'messages'])
      expect([table, after[table]]).toEqual([table, (before[table] ?? 0) + 1]);
  });

  it('the language of the browser is kept when none is named', async () => {
    const { apiKey } = await register(
      api,
      {},
      { headers: { 'accept-language': 'sw, es-CL;q=0.8, en;q=0.5' } },
    );
    const me = await get(api, '/v1/tenants/me', { headers: { authorization: `Bearer ${apiKey}` } });
    expect(me.json()).toMatchObject({ tenant: { locale: 'es' } });
  });

  it('preferredLanguage is the contract’s name of locale, which goes before it', async () => {
    const localeOf = async (body: object) =>
      tenantOf(api, await register(api, body, { headers: { 'accept-language': 'fr' } }));
    expect(await localeOf({ preferredLanguage: 'es' })).toMatchObject({ locale: 'es' });
    expect(await localeOf({ preferredLanguage: 'es', locale: 'de' })).toMatchObject({ locale: 'de' });
  });

  it('a language tag is stored in its canonical form', async () => {
    const answer = await post(api, '/v1/register', { email: newEmail(), locale: 'pt_br' });
    expect(answer.json()).toMatchObject({ tenant: { locale: 'pt-BR' } });
    expect(await newestMessage(installation.db)).toMatchObject({ locale: 'pt-BR' });
  });

  it('a registered address is a 409 CONFLICT however it is spelt, and nothing is written', async () => {
    await register(api, { email: 'Grace.Hopper@gmail.com' });
    const before = await countRows(installation.db);
    for (const email of [
      'grace.hopper@gmail.com',
      'gracehopper+2@googlemail.com',
      ' GRACE.HOPPER@GMAIL.COM ',
    ])
      expectProblem(await post(api, '/v1/register', { email }), {
        status: 409,
        code: 'CONFLICT',
        reason: 'EMAIL_ALREADY_REGISTERED',
      });
    expect(await countRows(installation.db)).toEqual(before);
  });

  it('the 409 is called EMAIL_ALREADY_REGISTERED with ERROR_CODES=specific', async () => {
    const specific = await installation.startApi({ ERROR_CODES: 'specific' });
    const { email } = await register(api);
    expectProblem(await post(specific, '/v1/register', { email }), {
      status: 409,
      code: 'EMAIL_ALREADY_REGISTERED',
      reason: 'EMAIL_ALREADY_REGISTERED',
    });
  });

  it('of 20 parallel registrations of one address one wins, and one account and one message exist', async () => {
    const email = newEmail();
    const before = await countRows(installation.db);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(api, '/v1/register', { email })));
    expect(answers.map((answer) => answer.statusCode).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array.from({ length: 19 }, () => 409),
    ]);
    const after = await countRows(installation.db);
    expect([after['accounts'], after['messages']]).toEqual([
      (before['accounts'] ?? 0) + 1,
      (before['messages'] ?? 0) + 1,
    ]);
  });

  it.each([
    ['locale', { locale: 'not a language' }],
    ['locale', { locale: 'e' }],
    ['name', { name: '' }],
    ['name', { name: 'n'.repeat(101) }],
    ['verificationRedirectUrl', { verificationRedirectUrl: '/relative' }],
    ['preferredLanguage', { preferredLanguage: 'not a language' }],
    ['preferredLanguage', { preferredLanguage: 'e' }],
    ['language', { language: 'es' }],
  ])('a %s that is not as documented is a 400 that names it (%j)', async (field, body) => {
    const before = await countRows(installation.db);
    const problem = expectProblem(await post(api, '/v1/register', { email: newEmail(), ...body }), {
      status: 400,
      code: 'VALIDATION_ERROR',
      reason: 'VALIDATION_FAILED',
    });
    expect(fieldsOf(problem)).toEqual([field]);
    expect(await countRows(installation.db)).toEqual(before);
  });
});
