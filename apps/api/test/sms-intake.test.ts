import type { Destination } from '@reconfirm/core/destination';
import { parsePhoneNumber } from '@reconfirm/core/phone';
import { purposes } from '@reconfirm/core/purposes/registry';
import { acceptMessages } from '@reconfirm/db/accept-messages';
import { defaultOrganizationId } from '@reconfirm/db/schema';
import { createDoorbells } from '@reconfirm/queue/doorbells';
import { postgresBackend } from '@reconfirm/queue/backend';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIntake } from '../src/intake.ts';
import { createPostgresLimiter } from '../src/limiter/postgres.ts';
import { createFallbackLimiter } from '../src/limiter/with-fallback.ts';
import { createResend, type Resend, type ResendOutcome } from '../src/resend.ts';
import { smsIntakeOf } from '../src/sms-intake.ts';
import { smsProblem } from '../src/sms-problem.ts';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { openRedis, type LimiterRows, openRows } from './support/limiter-stores.ts';
import { acceptSms, newPhone } from './support/phones.ts';
import { newClient, newEmail } from './support/requests.ts';
import { allMessages } from './support/rows.ts';
import { closedPort } from './support/unreachable.ts';

let installation: Installation;
let api: TestApi;
let rows: LimiterRows;
beforeAll(async () => {
  installation = await openInstallation();
  api = await installation.startApi({ SMS_PROVIDER: 'none', SMS_COUNTRIES: 'DK,SE' });
  rows = await openRows();
});
afterAll(async () => {
  await installation.close();
  await rows[Symbol.asyncDispose]();
});

const limits = {
  ip: [{ max: 100, windowSeconds: 3600 }],
  email: [{ max: 1, windowSeconds: 60 }],
  phone: [{ max: 3, windowSeconds: 600 }],
};

/** The use case of a contract that takes SMS, with limits in Redis at this URL, or in Postgres. */
const openResend = (limiters: Pick<Parameters<typeof createResend>[0], 'limiter' | 'sms'>): Resend =>
  createResend({
    keys: {
      hashKey: api.config.ADDRESS_HASH_KEY,
      ipv6PrefixBits: 64,
      rememberSeconds: { ip: 3600, email: 60, phone: 600 },
    },
    rulesOf: () => ({
      contract: 'test',
      limits,
      refusesWhileEmailIsOff: false,
      disclosure: 'strict',
      asksCaptcha: false,
    }),
    seal: () => null,
    captchaGate: null,
    ...limiters,
    accept: async (request) => {
      const [acceptance] = await acceptMessages(installation.db, [request]);
      return acceptance ?? 'not_written';
    },
    findStatus: async () => null,
    findIdempotent: async () => undefined,
  });

const phoneOf = (text: string): Destination => {
  const number = parsePhoneNumber(text);
  return 'problem' in number ? { channel: 'sms', address: text, lookupForm: text, limitForm: text } : number;
};

const ask = (resend: Resend, destination: Destination): Promise<ResendOutcome> =>
  resend({
    organizationId: defaultOrganizationId,
    purpose: destination.channel === 'sms' ? purposes.sms : purposes.signup,
    destination,
    redirectUrl: null,
    locale: null,
    clientAddress: newClient(),
    idempotencyKey: undefined,
  });

const onPostgres = (): Resend => {
  const limiter = createPostgresLimiter(installation.db);
  return openResend({ limiter, sms: smsIntakeOf(api.config, limiter) });
};

describe('a request for an SMS', () => {
  it('is a row of its channel, and all spellings of a number share its limit', async () => {
    const resend = onPostgres();
    const phone = newPhone();
    const spellings = [phone, phone.replace('+45', '0045'), phone.replace(/(\d\d)/g, '$1 ')];
    for (const spelling of spellings)
      expect(await ask(resend, phoneOf(spelling))).toMatchObject({ kind: 'accepted' });
    expect(await ask(resend, phoneOf(`${phone} `))).toMatchObject({
      kind: 'limited',
      by: { kind: 'address', retryAfterSeconds: expect.any(Number) },
    });
    const messages = (await allMessages(installation.db)).slice(-3);
    expect(messages.map(({ channel, purpose }) => [channel, purpose])).toEqual(
      Array.from({ length: 3 }, () => ['sms', 'sms']),
    );
    expect(new Set(messages.map(({ subject_key }) => subject_key.toString('hex'))).size).toBe(1);
  });

  it.each([
    ['+12025550123', 'sms_country_not_allowed', 'SMS_COUNTRY_NOT_ALLOWED'],
    ['+46812345678', 'sms_number_not_allowed', 'SMS_NUMBER_NOT_ALLOWED'],
  ] as const)(
    'to %s is refused (%s) alike whether the number is registered or not, and charges nothing',
    async (phone, reason, problem) => {
      const resend = onPostgres();
      const before = await allMessages(installation.db);
      const unknown = await ask(resend, phoneOf(phone));
      await acceptSms(installation.db, api, phone);
      const known = await ask(resend, phoneOf(phone));
      expect(unknown).toEqual({ kind: 'sms_refused', reason });
      expect(known).toEqual(unknown);
      expect(smsProblem(reason)).toMatchObject({ reason: problem, statusCode: 400 });
      // The one row is that of the account's own first message.
      expect(await allMessages(installation.db)).toHaveLength(before.length + 1);
      const charges = await installation.db.selectFrom('limit_charges').select('charge_id').execute();
      const ids = new Set((await allMessages(installation.db)).map(({ id }) => id));
      expect(charges.every(({ charge_id }) => ids.has(charge_id))).toBe(true);
    },
  );

  it('is refused by an installation that has no country for SMS', async () => {
    const limiter = createPostgresLimiter(installation.db);
    const none = { kind: 'only' as const, countries: new Set<string>() };
    const sms = smsIntakeOf({ ...api.config, SMS_COUNTRIES: none }, limiter);
    expect(await ask(openResend({ limiter, sms }), phoneOf(newPhone()))).toEqual({
      kind: 'sms_refused',
      reason: 'sms_off',
    });
  });
});

describe('with Redis away', () => {
  it('SMS answer 503 within 2 s, the same for everybody, while mail goes on', async () => {
    using store = openRedis(`redis://127.0.0.1:${await closedPort()}`, rows, { timeoutMs: 150 });
    const changes: boolean[] = [];
    const limiter = createFallbackLimiter({
      primary: store.limiter,
      fallback: createPostgresLimiter(installation.db),
      beginWithout: rows.beginWithout,
      onError: 'postgres',
      nowMs: () => performance.now(),
      onChange: ({ working }) => changes.push(working),
    });
    const closed = openResend({
      limiter,
      sms: smsIntakeOf(api.config, limiter.withOnError('closed')),
    });
    const known = newPhone();
    await acceptSms(installation.db, api, known);
    const before = (await allMessages(installation.db)).length;
    for (const phone of [known, newPhone()]) {
      const startedMs = performance.now();
      await expect(ask(closed, phoneOf(phone))).rejects.toMatchObject({
        code: 'limiter_unavailable',
        retryAfterSeconds: 2,
      });
      expect(performance.now() - startedMs).toBeLessThan(2000);
    }
    expect(await allMessages(installation.db)).toHaveLength(before);
    const email = newEmail();
    const mailbox = { channel: 'email' as const, address: email, lookupForm: email, limitForm: email };
    expect(await ask(closed, mailbox)).toMatchObject({ kind: 'accepted' });
    expect(changes).toEqual([false]);

    const counted = openResend({
      limiter,
      sms: smsIntakeOf(api.config, limiter.withOnError('postgres')),
    });
    expect(await ask(counted, phoneOf(newPhone()))).toMatchObject({ kind: 'accepted' });
  });
});

it('an accepted SMS rings in the queue of SMS', async () => {
  const rung: string[] = [];
  const doorbell = createDoorbells({
    backend: postgresBackend(installation.settings['DATABASE_URL'] ?? '', 'intake-test'),
    timeoutMs: 1000,
    onChange: () => {},
  });
  const intake = createIntake({
    db: installation.db,
    doorbell: { ...doorbell, ring: ({ channel }) => void rung.push(channel ?? 'none') },
    batchMax: 10,
    maxWaitMs: 1000,
    onBatch: () => {},
  });
  const limiter = createPostgresLimiter(installation.db);
  const resend = createResend({
    keys: {
      hashKey: api.config.ADDRESS_HASH_KEY,
      ipv6PrefixBits: 64,
      rememberSeconds: { ip: 1, email: 1, phone: 1 },
    },
    rulesOf: () => ({
      contract: 'test',
      limits,
      refusesWhileEmailIsOff: true,
      disclosure: 'strict',
      asksCaptcha: false,
    }),
    seal: () => null,
    captchaGate: null,
    limiter,
    sms: smsIntakeOf(api.config, limiter),
    accept: intake.accept,
    findStatus: async () => null,
    findIdempotent: async () => undefined,
  });
  expect(await ask(resend, phoneOf(newPhone()))).toMatchObject({ kind: 'accepted' });
  expect(rung).toEqual(['sms']);
  await doorbell.close();
});
