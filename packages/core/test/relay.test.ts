import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readGotrueEmailHook, readGotrueSmsHook } from '../src/relay/gotrue-hook.ts';
import { readKratosCourier } from '../src/relay/kratos-courier.ts';
import { judgeStandardWebhook, parseWebhookSecrets } from '../src/relay/standard-webhook.ts';
import { Secret } from '../src/secret.ts';

const settings = { verifyUrl: 'https://auth.example.com/auth/v1/verify', lifetimeSeconds: 3600 };

/** The shape of the documented payload (Supabase, "Send Email Hook"), with other values. */
const call = (data: object, user: object = {}) => ({
  user: {
    id: '8484b834-f29e-4af2-bf42-80644d154f76',
    aud: 'authenticated',
    role: 'authenticated',
    email: 'ada@example.com',
    phone: '',
    user_metadata: { full_name: 'Ada', locale: 'de' },
    ...user,
  },
  email_data: {
    token: '305805',
    token_hash: '7d5b7b1964cf5d388340a7f04f1dbb5eeb6c7b52ef8270e1737a58d0',
    redirect_to: 'http://localhost:3000/',
    email_action_type: 'signup',
    site_url: 'http://localhost:9999',
    token_new: '',
    token_hash_new: '',
    ...data,
  },
});

describe('a call of GoTrue’s send-email hook', () => {
  test.each([
    ['signup', 'signup'],
    ['invite', 'invitation'],
    ['recovery', 'recovery'],
    ['magiclink', 'magiclink'],
  ] as const)('%s is one message with its code and a link to that system', (action, template) => {
    const link =
      `https://auth.example.com/auth/v1/verify?token=7d5b7b1964cf5d388340a7f04f1dbb5eeb6c7b52ef8270e1737a58d0` +
      `&type=${action}&redirect_to=http%3A%2F%2Flocalhost%3A3000%2F`;
    expect(readGotrueEmailHook(call({ email_action_type: action }), settings)).toEqual({
      requests: [
        {
          channel: 'email',
          to: 'ada@example.com',
          template,
          link,
          code: '305805',
          name: 'Ada',
          locale: 'de',
          lifetimeSeconds: 3600,
        },
      ],
    });
  });

  test('reauthentication brings a code and no link', () =>
    expect(readGotrueEmailHook(call({ email_action_type: 'reauthentication' }), settings)).toMatchObject({
      requests: [{ template: 'magiclink', link: null, code: '305805' }],
    }));

  test('a secure change of address is two messages, each with the credential of its own address', () => {
    const read = readGotrueEmailHook(
      call(
        {
          email_action_type: 'email_change',
          token_new: '111222',
          token_hash: 'ofnew',
          token_hash_new: 'ofold',
        },
        { new_email: 'new@example.com' },
      ),
      settings,
    );
    expect(read).toMatchObject({
      requests: [
        { to: 'ada@example.com', template: 'email_change_current', code: '305805' },
        { to: 'new@example.com', template: 'email_change', code: '111222' },
      ],
    });
    const links = 'requests' in read ? read.requests.map(({ link }) => new URL(link ?? '').searchParams) : [];
    expect(links.map((query) => query.get('token'))).toEqual(['ofold', 'ofnew']);
  });

  test('a simple change of address is one message to the new one', () =>
    expect(
      readGotrueEmailHook(
        call({ email_action_type: 'email_change' }, { new_email: 'new@example.com' }),
        settings,
      ),
    ).toMatchObject({ requests: [{ to: 'new@example.com', template: 'email_change', code: '305805' }] }));

  test.each([
    [null],
    [[]],
    [{}],
    [{ user: {}, email_data: null }],
    [call({ email_action_type: 'toString' })],
    [call({ token: '', token_hash: '' })],
    [call({ token: '12 34' })],
    [call({}, { email: '' })],
  ])('%j is refused with a sentence', (body) =>
    expect(readGotrueEmailHook(body, settings)).toEqual({ problem: expect.any(String) }),
  );

  test('whatever comes is read or refused, and never throws', () =>
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (user, data) => {
        const read = readGotrueEmailHook({ user, email_data: data }, settings);
        expect('problem' in read || read.requests.length > 0).toBe(true);
      }),
      { numRuns: 5000 },
    ));
});

describe('a call of GoTrue’s send-SMS hook', () => {
  test('is one code to the number, with the plus sign that GoTrue leaves out', () =>
    expect(
      readGotrueSmsHook({ user: { phone: '4512345678' }, sms: { otp: '561166' } }, settings),
    ).toMatchObject({ requests: [{ channel: 'sms', to: '+4512345678', code: '561166', link: null }] }));
  test('without a code is refused', () =>
    expect(readGotrueSmsHook({ user: { phone: '4512345678' }, sms: {} }, settings)).toHaveProperty(
      'problem',
    ));
});

describe('a call of Kratos’ HTTP courier', () => {
  test.each([
    [
      {
        template_type: 'verification_code_valid',
        verification_code: '123456',
        verification_url: 'https://id.example.com/v',
      },
      'signup',
    ],
    [{ template_type: 'recovery_code_valid', recovery_code: '123456' }, 'recovery'],
    [
      { template_type: 'login_code_valid', template_data: { login_code: '123456', to: 'ada@example.com' } },
      'magiclink',
    ],
  ] as const)('%j is a message', (body, template) =>
    expect(readKratosCourier({ recipient: 'ada@example.com', ...body }, settings)).toMatchObject({
      requests: [{ to: 'ada@example.com', template, code: '123456' }],
    }),
  );

  test('for an address without an account is taken and sends nothing', () =>
    expect(
      readKratosCourier({ recipient: 'x@example.com', template_type: 'recovery_code_invalid' }, settings),
    ).toEqual({ requests: [] }));

  test.each([
    [undefined],
    [{ template_type: 'stub', recipient: 'ada@example.com' }],
    [{ template_type: 'recovery_valid', recipient: 'ada@example.com' }],
    [{ template_type: 'recovery_valid', recovery_url: 'https://id.example.com' }],
    [{ template_type: 'recovery_valid', recipient: 'a@b.co', recovery_url: 'javascript:alert(1)' }],
    [{ template_type: 'recovery_code_valid', recipient: 'a@b.co', recovery_code: 'click here' }],
  ])('%j is refused with a sentence', (body) =>
    expect(readKratosCourier(body, settings)).toEqual({ problem: expect.any(String) }),
  );
});

describe('a signed call', () => {
  const secret = new Secret(`whsec_${Buffer.alloc(32, 3).toString('base64')}`);
  const other = new Secret(`whsec_${Buffer.alloc(32, 4).toString('base64')}`);
  const nowMs = 1_800_000_000_000;
  const body = Buffer.from('{"user":{}}');
  const sign = (key: Secret, id = 'msg_1', atSeconds = nowMs / 1000, bytes: Uint8Array = body) => ({
    'webhook-id': id,
    'webhook-timestamp': String(atSeconds),
    'webhook-signature': `v1,${createHmac('sha256', Buffer.from(key.reveal().slice(6), 'base64'))
      .update(`${id}.${atSeconds}.`)
      .update(bytes)
      .digest('base64')}`,
  });

  test('with one of the secrets is recognised, also among other signatures', () => {
    expect(judgeStandardWebhook(body, sign(secret), [other, secret], nowMs)).toEqual({
      valid: true,
      id: 'msg_1',
    });
    const both = {
      ...sign(secret),
      'webhook-signature': `v1a,xyz v1,AAAA ${sign(secret)['webhook-signature']}`,
    };
    expect(judgeStandardWebhook(body, both, [secret], nowMs)).toMatchObject({ valid: true });
  });

  test.each([
    ['another secret', sign(other), body, 'mismatch'],
    ['another id', { ...sign(secret), 'webhook-id': 'msg_2' }, body, 'mismatch'],
    ['another body', sign(secret), Buffer.from('{"user": {}}'), 'mismatch'],
    ['a time six minutes ago', sign(secret, 'msg_1', nowMs / 1000 - 360), body, 'stale'],
    ['a time six minutes ahead', sign(secret, 'msg_1', nowMs / 1000 + 360), body, 'stale'],
    ['no signature', { 'webhook-id': 'msg_1', 'webhook-timestamp': '1800000000' }, body, 'missing_header'],
    ['a time that is none', { ...sign(secret), 'webhook-timestamp': 'now' }, body, 'stale'],
  ] as const)('with %s is refused', (_, headers, bytes, why) =>
    expect(judgeStandardWebhook(bytes, headers, [secret], nowMs)).toEqual({ valid: false, why }),
  );

  test('is refused where no secret is set, however it is signed', () =>
    expect(judgeStandardWebhook(body, sign(secret), [], nowMs)).toEqual({ valid: false, why: 'no_secret' }));

  test('of 10,000 mutated ones none is accepted', () =>
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const mutated = Buffer.from(body);
        mutated[at] = (mutated[at] ?? 0) ^ flip;
        expect(judgeStandardWebhook(mutated, sign(secret), [secret], nowMs).valid).toBe(false);
      }),
      { numRuns: 10_000 },
    ));

  test('secrets are read with GoTrue’s prefix and without, and two while rotating', () => {
    const [one, two] = [secret.reveal(), other.reveal()];
    for (const text of [`v1,${one}|v1,${two}`, `${one}|${two}`, `v1,${one} v1,${two}`])
      expect(parseWebhookSecrets(text)).toEqual([one, two]);
    for (const text of ['', 'whsec_', 'v1,whsec_c2hvcnQ=', 'secret'])
      expect(parseWebhookSecrets(text)).toHaveProperty('problem');
  });
});
