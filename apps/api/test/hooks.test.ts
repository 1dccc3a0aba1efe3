import { createHmac, randomBytes } from 'node:crypto';
import { readSealedContent } from '@reconfirm/core/sealed-content';
import { unseal } from '@reconfirm/core/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { newPhone } from './support/phones.ts';
import { type Answer, newClient, newEmail } from './support/requests.ts';
import { newestMessage } from './support/rows.ts';

const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const kratosKey = 'key-of-the-courier-of-the-tests';

describe('work of other authentication systems', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({
      GOTRUE_HOOK_SECRETS: `v1,${secret}`,
      GOTRUE_HOOK_VERIFY_URL: 'https://auth.example.com/auth/v1/verify',
      KRATOS_COURIER_KEY: kratosKey,
      RELAY_RATE_LIMIT_ADDRESS: '2/60',
      SMS_COUNTRIES: 'DK',
      RATE_LIMIT_PHONE: '2/60',
    });
  });
  afterAll(() => installation.close());

  const hookBody = (email: string, code = '305805') =>
    JSON.stringify({
      user: { email, user_metadata: { name: 'Ada' } },
      email_data: { token: code, token_hash: 'abc', email_action_type: 'signup', redirect_to: '' },
    });
  const callGotrue = (
    body: string,
    id = randomBytes(8).toString('hex'),
    key = secret,
    hook = 'send-email',
  ): Promise<Answer> => {
    const at = Math.floor(Date.now() / 1000);
    const mac = createHmac('sha256', Buffer.from(key.slice(6), 'base64'));
    return api.app.inject({
      method: 'POST',
      url: `/hooks/gotrue/${hook}`,
      remoteAddress: newClient(),
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(at),
        'webhook-signature': `v1,${mac.update(`${id}.${at}.${body}`).digest('base64')}`,
      },
      payload: body,
    });
  };
  const callKratos = (body: object, key = kratosKey): Promise<Answer> =>
    api.app.inject({
      method: 'POST',
      url: '/hooks/kratos/courier',
      remoteAddress: newClient(),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      payload: body,
    });
  const countMessages = async (): Promise<number> =>
    Number(
      (
        await installation.db
          .selectFrom('messages')
          .select(({ fn }) => fn.countAll().as('count'))
          .executeTakeFirstOrThrow()
      ).count,
    );

  it('is a committed row whose content opens with the key of the installation only', async () => {
    const email = newEmail();
    const answer = await callGotrue(hookBody(email));
    expect({ status: answer.statusCode, body: answer.body }).toEqual({ status: 200, body: '{}' });
    const row = await newestMessage(installation.db);
    expect(row).toMatchObject({ purpose: 'relayed', contract: 'hooks', status: 'queued', account_id: null });
    expect(row.sealed?.includes(email)).toBe(false);
    expect(row.sealed?.includes('305805')).toBe(false);
    const opened = unseal(api.config.TOKEN_KEYS, row.sealed ?? Buffer.alloc(0), row.id).reveal();
    expect(readSealedContent(opened)).toMatchObject({ to: email, code: '305805', template: 'signup' });
    expect(api.logged()).not.toContain('305805');
    expect(api.logged()).not.toContain(email);
  });

  it('that is called again with the same id is taken once', async () => {
    const body = hookBody(newEmail());
    const before = await countMessages();
    const answers = await Promise.all([callGotrue(body, 'msg_same'), callGotrue(body, 'msg_same')]);
    answers.push(await callGotrue(body, 'msg_same'));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
    expect(await countMessages()).toBe(before + 1);
  });

  it.each([
    [
      'another secret',
      () => callGotrue(hookBody(newEmail()), 'msg', `whsec_${Buffer.alloc(32, 9).toString('base64')}`),
    ],
    ['another key', () => callKratos({}, 'not-the-key-of-the-courier')],
  ])('with %s is refused with 401 and writes nothing', async (_, call) => {
    const before = await countMessages();
    const answer = await call();
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ error: { http_code: 401 } });
    expect(await countMessages()).toBe(before);
  });

  it.each(['{', '[]', '{"user":{}}', hookBody('not an address'), hookBody('a@b.co\\r\\nBcc: c@d.co')])(
    'that cannot be read (%s) is a 400 that says why, and writes nothing',
    async (body) => {
      const before = await countMessages();
      const answer = await callGotrue(body);
      expect(answer.statusCode).toBe(400);
      expect(answer.json<{ error: { message: string } }>().error.message).not.toBe('');
      expect(await countMessages()).toBe(before);
    },
  );

  it('is braked at one address, and says when it is taken again', async () => {
    const email = newEmail();
    for (const code of ['111111', '222222'])
      expect((await callGotrue(hookBody(email, code))).statusCode).toBe(200);
    const answer = await callGotrue(hookBody(email, '333333'));
    expect(answer.statusCode).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  const callForSms = (phone: string, otp = '305805', id?: string): Promise<Answer> =>
    callGotrue(JSON.stringify({ user: { phone }, sms: { otp } }), id, secret, 'send-sms');

  it('that is an SMS is a sealed row of its channel, once for one call', async () => {
    const phone = newPhone();
    const before = await countMessages();
    // GoTrue keeps numbers without the plus sign.
    for (let i = 0; i < 2; i += 1)
      expect((await callForSms(phone.slice(1), '305805', `msg_${phone}`)).statusCode).toBe(200);
    expect(await countMessages()).toBe(before + 1);
    const row = await newestMessage(installation.db);
    expect(row).toMatchObject({
      purpose: 'relayed_sms',
      channel: 'sms',
      contract: 'hooks',
      account_id: null,
    });
    const opened = unseal(api.config.TOKEN_KEYS, row.sealed ?? Buffer.alloc(0), row.id).reveal();
    expect(readSealedContent(opened)).toMatchObject({ to: phone, code: '305805', link: null });
    expect(api.logged()).not.toContain(phone.slice(1));
  });

  it('that is an SMS is held to the limit of its number', async () => {
    const phone = newPhone();
    for (const code of ['111111', '222222']) expect((await callForSms(phone, code)).statusCode).toBe(200);
    const answer = await callForSms(phone, '333333');
    expect(answer.statusCode).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it.each(['+12025550123', '+4590123456', 'nonsense', ''])(
    'that is an SMS to %j is a 400 in the words of that system, and writes nothing',
    async (phone) => {
      const before = await countMessages();
      const answer = await callForSms(phone);
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({ error: { http_code: 400, message: expect.stringMatching(/./) } });
      expect(await countMessages()).toBe(before);
    },
  );

  it('of Kratos takes the same path, once for one content, and is silent about strangers', async () => {
    const body = {
      recipient: newEmail(),
      template_type: 'recovery_code_valid',
      recovery_code: '654321',
      subject: 'ignored',
      body: 'ignored',
    };
    const before = await countMessages();
    for (let i = 0; i < 2; i += 1) expect((await callKratos(body)).statusCode).toBe(200);
    expect(await countMessages()).toBe(before + 1);
    expect((await callKratos({ ...body, template_type: 'recovery_code_invalid' })).statusCode).toBe(200);
    expect(await countMessages()).toBe(before + 1);
  });

  it('of 1 MiB is refused before it is read', async () => {
    expect((await callGotrue(JSON.stringify({ user: 'x'.repeat(1_048_576) }))).statusCode).toBe(413);
  });
});

describe('without a secret and a key', () => {
  it('every such call is refused, however it is signed', async () => {
    const installation = await openInstallation();
    try {
      const api = await installation.startApi();
      for (const url of ['/hooks/gotrue/send-email', '/hooks/gotrue/send-sms', '/hooks/kratos/courier']) {
        const answer = await api.app.inject({ method: 'POST', url, payload: {}, remoteAddress: newClient() });
        expect(answer.statusCode).toBe(401);
      }
    } finally {
      await installation.close();
    }
  });
});
