import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOver } from './support/hand-over.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { newPhone } from './support/phones.ts';
import { expectProblem } from './support/problems.ts';
import {
  type Answer,
  get,
  newClient,
  newEmail,
  post,
  type Registered,
  register,
  tenantOf,
} from './support/requests.ts';
import { allMessages } from './support/rows.ts';

const path = '/v1/tenants/me/phone-change';

describe('v1 and phone numbers', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({
      SMS_COUNTRIES: 'DK',
      SMS_DEFAULT_COUNTRY: 'DK',
      RATE_LIMIT_ADDRESS: 'off',
      RATE_LIMIT_PHONE: '1/60',
    });
  });
  afterAll(() => installation.close());

  const as = ({ apiKey }: Registered) => ({ headers: { authorization: `Bearer ${apiKey}` } });
  const ask = (tenant: Registered, phone: string): Promise<Answer> => post(api, path, { phone }, as(tenant));
  const resend = (phone: string): Promise<Answer> => post(api, '/v1/resend', { purpose: 'sms', phone });
  const verify = (phone: string, code: string): Promise<Answer> => post(api, '/v1/verify', { phone, code });
  /** The code of the newest SMS, as a worker hands it over. */
  const newestCode = async (): Promise<string> => {
    const newest = (await allMessages(installation.db)).findLast(({ channel }) => channel === 'sms');
    return (await handOver(installation.db, api.config, newest?.id ?? '')).code;
  };
  /** Another code than this. */
  const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
  const moved = async (tenant: Registered, phone: string): Promise<void> => {
    await ask(tenant, phone);
    expect((await verify(phone, await newestCode())).statusCode).toBe(200);
  };

  describe('a number', () => {
    it('is the tenant’s once its code has come back, and not before', async () => {
      const tenant = await register(api);
      const phone = newPhone();
      const asked = await ask(tenant, ` 00${phone.slice(1, 5)} ${phone.slice(5)}`);
      expect(asked.statusCode).toBe(202);
      expect(asked.json()).toMatchObject({ change: { newPhone: phone } });
      const code = await newestCode();
      expectProblem(await verify(phone, wrong(code)), { status: 400, reason: 'TOKEN_UNKNOWN' });
      expect(await tenantOf(api, tenant)).toMatchObject({ phone: null });

      const answer = await verify(phone, `${code.slice(0, 3)} ${code.slice(3)}`);
      expect(answer.json()).toEqual({
        ok: true,
        purpose: 'phone_change',
        email: tenant.email,
        phone,
        alreadyConfirmed: false,
        session: null,
      });
      expect(await tenantOf(api, tenant)).toMatchObject({ phone });
      expect((await verify(phone, code)).json()).toMatchObject({ alreadyConfirmed: true });
      expectProblem(await get(api, path, as(tenant)), { status: 404, reason: 'NOT_FOUND' });
      expectProblem(await ask(tenant, phone), { status: 409, reason: 'ALREADY_VERIFIED' });
    });

    it('makes nobody active who has not proved the e-mail address', async () => {
      const tenant = await register(api);
      const phone = newPhone();
      await moved(tenant, phone);
      expect((await resend(phone)).statusCode).toBe(200);
      expect((await verify(phone, await newestCode())).json()).toMatchObject({ purpose: 'sms', phone });
      expect(await tenantOf(api, tenant)).toMatchObject({ phone, status: 'PENDING_VERIFICATION' });
    });

    it('that was given up, or replaced by a newer wish, is nobody’s whatever code comes back', async () => {
      const tenant = await register(api);
      const [first, second] = [newPhone(), newPhone()];
      await ask(tenant, first);
      const firstCode = await newestCode();
      await ask(tenant, second);
      const secondCode = await newestCode();
      expectProblem(await verify(first, firstCode), { status: 400, reason: 'TOKEN_SUPERSEDED' });
      expect((await get(api, path, as(tenant))).json()).toMatchObject({ change: { newPhone: second } });

      const given = await api.app.inject({ ...as(tenant), method: 'DELETE', url: path });
      expect(given.statusCode).toBe(204);
      expectProblem(await verify(second, secondCode), { status: 400, reason: 'TOKEN_SUPERSEDED' });
      expect(await tenantOf(api, tenant)).toMatchObject({ phone: null });
      const again = await api.app.inject({ ...as(tenant), method: 'DELETE', url: path });
      expectProblem(again, { status: 404, reason: 'NOT_FOUND' });
    });

    it('of somebody else is asked for alike, and only its own code tells that it is taken', async () => {
      const [owner, other] = [await register(api), await register(api)];
      const phone = newPhone();
      const free = newPhone();
      // Each number's own limit counts, so the owner's request is a while ago.
      await moved(owner, phone);
      await installation.db.deleteFrom('limit_charges').execute();
      await installation.db
        .updateTable('messages')
        .set({ accepted_at: new Date(Date.now() - 3_600_000) })
        .execute();
      const patient = await installation.startApi({ SMS_COUNTRIES: 'DK', RATE_LIMIT_PHONE: 'off' });
      const answers = [];
      for (const wanted of [free, phone])
        answers.push(await post(patient, path, { phone: wanted }, as(other)));
      const [toFree, toTaken] = answers;
      expect(toTaken?.statusCode).toBe(202);
      expect(Object.keys(toTaken?.headers ?? {})).toEqual(Object.keys(toFree?.headers ?? {}));
      const code = await newestCode();
      expectProblem(await verify(phone, wrong(code)), { status: 400, reason: 'TOKEN_UNKNOWN' });
      expectProblem(await verify(phone, code), { status: 409, reason: 'PHONE_ALREADY_REGISTERED' });
      expect(await tenantOf(api, owner)).toMatchObject({ phone });
      expect(await tenantOf(api, other)).toMatchObject({ phone: null });
    });

    it('is asked for with a key only', async () => {
      for (const method of ['GET', 'POST', 'DELETE'] as const) {
        const answer = await api.app.inject({
          method,
          url: path,
          ...(method === 'POST' && { payload: { phone: newPhone() } }),
          remoteAddress: newClient(),
        });
        expect(answer.statusCode).toBe(401);
      }
    });
  });

  describe('POST /v1/resend for a number', () => {
    it('answers alike whether it is somebody’s or nobody’s, and so does the code that is wrong', async () => {
      const tenant = await register(api);
      const [known, unknown] = [newPhone(), newPhone()];
      await moved(tenant, known);
      const answers = await Promise.all([resend(known), resend(unknown)]);
      const shapes = answers.map((answer) => ({
        status: answer.statusCode,
        body: Object.keys(answer.json<object>()),
        headers: Object.keys(answer.headers).filter((name) => name !== 'date'),
      }));
      expect(shapes[0]).toEqual(shapes[1]);
      expect(shapes[0]).toMatchObject({ status: 200, body: ['ok', 'messageId', 'nextAllowedAt'] });
      const wrongs = await Promise.all([verify(known, '000000'), verify(unknown, '000000')]);
      for (const answer of wrongs) expectProblem(answer, { status: 400, reason: 'TOKEN_UNKNOWN' });
    });

    it('holds all spellings of a number to one limit', async () => {
      const phone = newPhone();
      expect((await resend(phone)).statusCode).toBe(200);
      for (const spelling of [phone.replace('+', '00'), phone.slice(3), phone.replace(/(\d\d)/g, '$1 ')])
        expectProblem(await resend(spelling), { status: 429, reason: 'RESEND_COOLDOWN' });
    });

    it.each([
      ['+12025550123', 'SMS_COUNTRY_NOT_ALLOWED'],
      ['+4590123456', 'SMS_NUMBER_NOT_ALLOWED'],
      ['call me', 'VALIDATION_FAILED'],
    ] as const)('to %s is a 400 (%s) that writes and charges nothing', async (phone, reason) => {
      const before = (await allMessages(installation.db)).length;
      const from = newClient();
      for (let i = 0; i < 10; i += 1)
        expectProblem(await post(api, '/v1/resend', { purpose: 'sms', phone }, { from }), {
          status: 400,
          reason,
        });
      expect(await allMessages(installation.db)).toHaveLength(before);
    });

    it.each([
      [{ purpose: 'sms', email: newEmail() }, 'email'],
      [{ purpose: 'sms' }, 'phone'],
      [{ purpose: 'signup' }, 'email'],
      [{ purpose: 'signup', phone: '+4520123456' }, 'phone'],
    ])('with %j names the field that is wrong', async (body, field) => {
      const answer = await post(api, '/v1/resend', body);
      expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' });
      expect(answer.json()).toMatchObject({ errors: [{ field }] });
    });
  });

  it('no log line holds a number or a code', async () => {
    const tenant = await register(api);
    const phone = newPhone();
    await ask(tenant, phone);
    const code = await newestCode();
    await verify(phone, code);
    for (const secret of [phone, phone.slice(1), phone.slice(3)]) expect(api.logged()).not.toContain(secret);
    expect(api.logged()).not.toContain(`"${code}"`);
  });
});

it('without a country for SMS every request for one is SMS_DISABLED, whoever asks', async () => {
  const installation = await openInstallation();
  try {
    const api = await installation.startApi();
    const tenant = await register(api);
    const headers = { authorization: `Bearer ${tenant.apiKey}` };
    expectProblem(await post(api, '/v1/resend', { purpose: 'sms', phone: newPhone() }), {
      status: 400,
      reason: 'SMS_DISABLED',
    });
    expectProblem(await post(api, path, { phone: newPhone() }, { headers }), {
      status: 400,
      reason: 'SMS_DISABLED',
    });
  } finally {
    await installation.close();
  }
});
