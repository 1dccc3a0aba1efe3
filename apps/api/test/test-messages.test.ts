import { readSealedContent, type RelayedContent } from '@reconfirm/core/sealed-content';
import { unseal } from '@reconfirm/core/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claim } from './support/hand-over.ts';
import {
  adminKey,
  type Installation,
  openInstallation,
  publicUrl,
  type TestApi,
} from './support/installation.ts';
import { newPhone } from './support/phones.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { type Answer, getAsAdmin, newEmail, post, register, resend } from './support/requests.ts';
import { newestMessage } from './support/rows.ts';

describe('a test message', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({
      TEST_MESSAGE_LIMIT: '2/60',
      RATE_LIMIT_ADDRESS: '1/60',
      RATE_LIMIT_IP: '5/3600',
      SMS_COUNTRIES: 'DK',
    });
  });
  afterAll(() => installation.close());

  const send = (body: object, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    post(api, '/v1/admin/test-messages', body, {
      headers: { authorization: `Bearer ${adminKey}`, ...headers },
      from: '10.9.9.9',
    });
  const contentOf = async (): Promise<{ readonly id: string; readonly content: RelayedContent }> => {
    const { id, sealed } = await newestMessage(installation.db);
    const text = unseal(api.config.TOKEN_KEYS, sealed ?? Buffer.alloc(0), id).reveal();
    return { id, content: readSealedContent(text) as RelayedContent };
  };

  it('is a row of its own kind that says where it goes only under seal, and is told of in the log', async () => {
    const email = newEmail();
    const answer = await send({ email, purpose: 'recovery', locale: 'de' });
    expect(answer.statusCode).toBe(202);
    const { messageId } = answer.json<{ messageId: string }>();
    const row = await newestMessage(installation.db);
    expect(row).toMatchObject({ id: messageId, purpose: 'test', contract: 'operator', locale: 'de' });
    const { content } = await contentOf();
    expect(content).toMatchObject({ to: email, template: 'recovery', code: '000000', name: null });
    expect(content.link).toMatch(new RegExp(`^${publicUrl}/v1/set-password\\?token=[0-9a-f]{64}$`));
    const logged = api.logged();
    expect(logged).toMatch(/admin\.test_message_asked/);
    expect(logged).not.toContain(email);
    expect(logged).not.toContain(new URL(content.link ?? '').searchParams.get('token'));
  });

  it('carries a link and a code that open nothing', async () => {
    const { email } = await register(api);
    expect((await send({ email })).statusCode).toBe(202);
    const { content } = await contentOf();
    const token = new URL(content.link ?? '').searchParams.get('token') ?? '';
    expectProblem(await post(api, '/v1/verify', { token }), { status: 400, reason: 'TOKEN_UNKNOWN' });
    expect((await post(api, '/v1/verify', { email, code: content.code })).statusCode).toBe(400);
    expect(await installation.db.selectFrom('verifications').selectAll().execute()).toEqual([]);
  });

  it('neither ends the link that a person waits for, nor uses up what anybody may ask for', async () => {
    const { email } = await register(api, {}, { from: '10.9.9.9' });
    const asked = (await newestMessage(installation.db)).id;
    for (let count = 0; count < 2; count += 1) expect((await send({ email })).statusCode).toBe(202);
    expect(await claim(installation.db, asked)).toMatchObject({ id: asked, newerMessages: 0 });
    const cooldown = await resend(api, email, { from: '10.9.9.9' });
    expectProblem(cooldown, { status: 429, reason: 'RESEND_COOLDOWN' });
    for (let count = 0; count < 3; count += 1)
      expect((await resend(api, newEmail(), { from: '10.9.9.9' })).statusCode).toBe(200);
  });

  it('to the address of an account says nothing about the account', async () => {
    const { email } = await register(api);
    await send({ email });
    const test = await claim(installation.db, (await newestMessage(installation.db)).id);
    expect(test).toMatchObject({ purpose: 'test', account: null });
  });

  it('has a limit of its own for each address, with when it frees', async () => {
    const email = newEmail();
    for (let count = 0; count < 2; count += 1) await send({ email });
    const answer = await send({ email });
    expectProblem(answer, { status: 429, reason: 'TEST_MESSAGE_LIMIT' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('is found by its address, and with one idempotency key is one', async () => {
    const email = newEmail();
    const key = { 'idempotency-key': `test ${email}` };
    const ids = [await send({ email }, key), await send({ email }, key)].map(
      (answer) => answer.json<{ messageId: string }>().messageId,
    );
    expect(new Set(ids).size).toBe(1);
    const page = (await getAsAdmin(api, `/v1/admin/messages?address=${email}`)).json<{
      messages: unknown[];
    }>();
    expect(page.messages).toMatchObject([{ id: ids[0], purpose: 'test', state: 'QUEUED' }]);
  });

  it('may be an SMS, with the code alone', async () => {
    const phone = newPhone();
    expect((await send({ phone })).statusCode).toBe(202);
    expect(await newestMessage(installation.db)).toMatchObject({ purpose: 'test_sms', channel: 'sms' });
    expect((await contentOf()).content).toMatchObject({ to: phone, link: null, code: '000000' });
  });

  it.each([
    ['email', {}],
    ['phone', { email: newEmail(), phone: '+4520123456' }],
    ['purpose', { email: newEmail(), purpose: 'sms' }],
    ['purpose', { phone: '+4520123456', purpose: 'signup' }],
    ['locale', { email: newEmail(), locale: 'nonsense-' }],
    ['to', { to: newEmail() }],
  ])('a %s that does not fit is a 400 that names it, and writes nothing', async (field, body) => {
    const before = (await newestMessage(installation.db)).id;
    const answer = expectProblem(await send(body), { status: 400, reason: 'VALIDATION_FAILED' });
    expect(fieldsOf(answer)).toContain(field);
    expect((await newestMessage(installation.db)).id).toBe(before);
  });

  it('of an organization that does not exist is a 404', async () => {
    const organizationId = '0199c2f4-8a51-7c3e-9d20-5b6f7a8c9d01';
    expectProblem(await send({ email: newEmail(), organizationId }), { status: 404, reason: 'NOT_FOUND' });
  });

  it('is the operator’s alone', async () => {
    const { apiKey } = await register(api);
    for (const authorization of ['', `Bearer ${apiKey}`])
      expectProblem(await send({ email: newEmail() }, { authorization }), {
        status: 401,
        reason: 'UNAUTHORIZED',
      });
  });
});
