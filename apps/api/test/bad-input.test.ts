import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorReason } from '@reconfirm/core/error-codes';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { expectProblem, fieldsOf } from './support/problems.ts';
import { type Answer, get, newClient, newEmail, post, register, resend } from './support/requests.ts';
import { countRows } from './support/rows.ts';

const postRoutes = ['/v1/register', '/v1/resend-verification', '/v1/verify-email'] as const;

describe('bad input', () => {
  let installation: Installation;
  let api: TestApi;
  let client: string;
  let before: Record<string, number>;

  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({ RATE_LIMIT_IP: '2/3600' });
  });
  afterAll(() => installation.close());
  beforeEach(async () => {
    client = newClient();
    before = await countRows(installation.db);
  });
  // Whatever a test of this file sent: nothing was written, and its client still has both requests.
  afterEach(async () => {
    assert.deepEqual(await countRows(installation.db), before);
    const rest = [];
    for (let count = 0; count < 3; count += 1)
      rest.push((await resend(api, newEmail(), { from: client })).statusCode);
    assert.deepEqual(rest, [200, 200, 429]);
  });

  const send = (url: string, payload: string, contentType?: string): Promise<Answer> =>
    api.app.inject({
      method: 'POST',
      url,
      remoteAddress: client,
      headers: contentType === undefined ? {} : { 'content-type': contentType },
      payload,
    });

  const bodies: readonly (readonly [string, string, string, number, ErrorReason])[] = [
    ['malformed JSON', '{"email":', 'application/json', 400, 'MALFORMED_JSON'],
    ['JSON with a second value behind it', '{} {}', 'application/json', 400, 'MALFORMED_JSON'],
    ['JSON with a comment', '{/*x*/}', 'application/json', 400, 'MALFORMED_JSON'],
    ['an empty body', '', 'application/json', 400, 'MALFORMED_JSON'],
    ['bytes that are no UTF-8 text', '\u0000\u0001', 'application/json', 400, 'MALFORMED_JSON'],
    [
      'a prototype in the body',
      '{"email":"a@example.org","__proto__":{"admin":true}}',
      'application/json',
      400,
      'MALFORMED_JSON',
    ],
    [
      'a constructor in the body',
      '{"constructor":{"prototype":{"admin":true}}}',
      'application/json',
      400,
      'MALFORMED_JSON',
    ],
    ['a list', '[]', 'application/json', 400, 'VALIDATION_FAILED'],
    ['null', 'null', 'application/json', 400, 'VALIDATION_FAILED'],
    ['a text', '"a@example.org"', 'application/json', 400, 'VALIDATION_FAILED'],
    ['a number', '1e999', 'application/json', 400, 'VALIDATION_FAILED'],
    [
      '1 MiB',
      JSON.stringify({ email: 'x'.repeat(1024 * 1024) }),
      'application/json',
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    [
      '17 KiB',
      JSON.stringify({ email: 'x'.repeat(17 * 1024) }),
      'application/json',
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    ['JSON as text/plain', '{"email":"a@example.org"}', 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['XML', '<email>a@example.org</email>', 'application/xml', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'a file upload',
      '--x\r\n\r\nx\r\n--x--',
      'multipart/form-data; boundary=x',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a broken content type', '{}', 'application/', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ];
  it.each(postRoutes.flatMap((route) => bodies.map((body) => [route, ...body] as const)))(
    '%s: %s',
    async (route, _what, payload, contentType, status, reason) => {
      const problem = expectProblem(await send(route, payload, contentType), { status, reason });
      expect(problem.detail.length).toBeGreaterThan(10);
    },
  );

  it.each(['/v1/register', '/v1/resend-verification'])(
    '%s takes no form, which a foreign page could send',
    async (route) => {
      const answer = await send(route, 'email=a%40example.org', 'application/x-www-form-urlencoded');
      expectProblem(answer, { status: 415, reason: 'UNSUPPORTED_MEDIA_TYPE' });
    },
  );

  it.each(postRoutes)('%s without a body is a 400', async (route) => {
    const answer = await api.app.inject({ method: 'POST', url: route, remoteAddress: client });
    expect(expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' }).errors).toBeDefined();
  });

  const wrongTypes: readonly unknown[] = [null, true, 7, 1.5, [], ['a@example.org'], {}, { $ne: '' }];
  it.each(
    (['email', 'name', 'locale', 'verificationRedirectUrl'] as const).flatMap((field) =>
      wrongTypes.map((value) => [field, JSON.stringify(value), value] as const),
    ),
  )('"%s" that is %s is a 400 that names it', async (field, _shown, value) => {
    const body = { email: newEmail(), [field]: value };
    const problem = expectProblem(await post(api, '/v1/register', body, { from: client }), {
      status: 400,
      reason: 'VALIDATION_FAILED',
    });
    expect(fieldsOf(problem).map((name) => name.split('.')[0])).toEqual([field]);
  });

  it.each(['admin', 'status', 'tenantId', 'Email', 'constructor', 'toString'])(
    'an unknown field (%s) is a 400 that names it',
    async (field) => {
      const body = `{"email":"a@example.org",${JSON.stringify(field)}:1}`;
      const problem = expectProblem(await send('/v1/resend-verification', body, 'application/json'), {
        status: 400,
        reason: 'VALIDATION_FAILED',
      });
      expect(fieldsOf(problem)).toEqual([field]);
    },
  );

  it('an unknown field whose name could be a token is not repeated', async () => {
    const token = '0123456789abcdef'.repeat(4);
    const answer = await send('/v1/verify-email', JSON.stringify({ [token]: 1 }), 'application/json');
    const problem = expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' });
    expect(answer.body).not.toContain(token);
    expect(fieldsOf(problem)).toContain('body');
  });

  const breaks = ['\r\nBcc: victim@example.org', '\n', '\r', '\u2028', '\u0000', '\u0085'];
  it.each(
    (['email', 'name', 'locale', 'verificationRedirectUrl'] as const).flatMap((field) =>
      breaks.map((text) => [field, JSON.stringify(text), text] as const),
    ),
  )('a line break or control character in "%s" (%s) is a 400', async (field, _shown, text) => {
    const good = {
      email: newEmail(),
      name: 'Ana',
      locale: 'es',
      verificationRedirectUrl: 'https://app.example.com/verify',
    };
    for (const value of [good[field] + text, text + good[field]]) {
      const answer = await post(api, '/v1/register', { ...good, [field]: value }, { from: client });
      const problem = expectProblem(answer, { status: 400, reason: 'VALIDATION_FAILED' });
      expect(fieldsOf(problem)).toEqual([field]);
      expect(answer.body).not.toContain('victim');
    }
  });

  it.each([
    'a@example.org,b@example.org',
    'a@example.org;b@example.org',
    'a@example.org b@example.org',
    'Ana <a@example.org>',
    '<a@example.org>',
    '"a b"@example.org',
    'a@[127.0.0.1]',
    'a@example.org(comment)',
    'a@localhost',
    'a@example..org',
    'a@-example.org',
    'a@example.org?cc=b@example.org',
    'a@exa%6Dple.org',
    '@example.org',
    'a@@example.org',
    `${'a'.repeat(65)}@example.org`,
    `a@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(63)}.org`,
    'a@example.123',
    '\u212Aelvin@example.org',
  ])('%j is not one address: 400', async (email) => {
    for (const route of ['/v1/register', '/v1/resend-verification']) {
      const problem = expectProblem(await post(api, route, { email }, { from: client }), {
        status: 400,
        reason: 'VALIDATION_FAILED',
      });
      expect(fieldsOf(problem)).toEqual(['email']);
    }
    const asked = await get(api, `/v1/verification/cooldown?email=${encodeURIComponent(email)}`, {
      from: client,
    });
    expectProblem(asked, { status: 400, reason: 'VALIDATION_FAILED' });
  });

  it.each([
    '/v1/verification/cooldown',
    '/v1/verification/cooldown?email=a@example.org&email=b@example.org',
    '/v1/verification/cooldown?email[]=a@example.org',
    '/v1/verification/cooldown?email=a@example.org&admin=1',
    '/v1/verify-email/check',
    `/v1/verify-email/check?token=${'a'.repeat(64)}&token=${'b'.repeat(64)}`,
    `/v1/verify-email/check?token=${'a'.repeat(20_000)}`,
  ])('GET %s is a 400', async (url) => {
    expectProblem(await get(api, url, { from: client }), { status: 400, reason: 'VALIDATION_FAILED' });
  });

  it.each([
    ['GET', '/v1/register'],
    ['DELETE', '/v1/resend-verification'],
    ['PUT', '/v1/verify-email'],
    ['GET', '/v1/%00'],
    ['GET', '/v1/../../etc/passwd'],
    ['GET', '/nothing?token=secret'],
  ] as const)('%s %s is a 404 that repeats no query', async (method, url) => {
    const answer = await api.app.inject({ method, url, remoteAddress: client });
    expectProblem(answer, { status: 404, reason: 'NOT_FOUND' });
    expect(answer.body).not.toContain('secret');
  });

  it.each([
    ['that cannot be decoded', '/v1/%zz?token=secret'],
    ['with an endless id', `/v1/admin/messages/${'a'.repeat(5000)}?token=secret`],
  ])('a path %s is a 404 problem like any other', async (_what, url) => {
    const answer = await get(api, url, { from: client });
    expectProblem(answer, { status: 404, reason: 'NOT_FOUND' });
    expect(answer.body).not.toContain('secret');
  });

  it.each(['authorization', 'accept-language', 'accept', 'origin', 'x-request-id', 'user-agent', 'host'])(
    'whatever stands in the header %s does no harm',
    async (name) => {
      for (const value of [
        'x'.repeat(8000),
        '"><script>',
        '\u00ff\u00fe',
        '*;q=NaN',
        'Bearer ',
        'es;q=1,'.repeat(500),
      ]) {
        const answer = await get(api, `/v1/verify-email?token=${'a'.repeat(64)}`, {
          headers: { [name]: value },
          from: client,
        });
        expect([value.slice(0, 9), answer.statusCode]).toEqual([value.slice(0, 9), 400]);
        const asked = await get(api, '/v1/tenants/me', { headers: { [name]: value }, from: client });
        expect(asked.statusCode).toBe(401);
      }
    },
  );

  it('a body on an admin route is read only behind the key', async () => {
    const answer = await api.app.inject({
      method: 'PATCH',
      url: '/v1/admin/tenants/x/status',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}x` },
      payload: '{',
    });
    expectProblem(answer, { status: 401, reason: 'UNAUTHORIZED' });
  });
});

describe('unusual input that is right', () => {
  let installation: Installation;
  let api: TestApi;
  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi();
  });
  afterAll(() => installation.close());

  it.each([
    ['an international domain, as ASCII', 'info@bücher.example', 'info@xn--bcher-kva.example'],
    ['an international local part, as typed', 'användare@example.org', 'användare@example.org'],
    ['an address of another script', '用户@例子.测试', '用户@xn--fsqu00a.xn--0zwm56d'],
    ['letters with separate accents, in one form (NFC)', 'jose\u0301@example.org', 'jos\u00e9@example.org'],
    ['a domain in capitals', 'Info@EXAMPLE.ORG', 'Info@example.org'],
    ['spaces around', '  spaced@example.org  ', 'spaced@example.org'],
    [
      'an apostrophe and other signs',
      "o'hara+{x}~!#$%&*/=?^_`|@example.org",
      "o'hara+{x}~!#$%&*/=?^_`|@example.org",
    ],
  ])('%s is stored right (%s)', async (_what, typed, stored) => {
    expect((await register(api, { email: typed })).email).toBe(stored);
    const again = await post(api, '/v1/register', { email: typed });
    expectProblem(again, { status: 409, reason: 'EMAIL_ALREADY_REGISTERED' });
  });

  it('a name may hold any script, and signs that mean something elsewhere', async () => {
    const name = '李 "Ana" <O\u2019Hara> \u05d0\u05d1 %s ${x} {{y}}';
    const answer = await post(api, '/v1/register', { email: newEmail(), name });
    expect(answer.json()).toMatchObject({ tenant: { name } });
  });
});
