import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOverNewest } from './support/hand-over.ts';
import { adminKey, type Installation, openInstallation, type TestApi } from './support/installation.ts';
import { answerCheck, type AnswerCheck, type OpenApi } from './support/openapi.ts';
import { type Answer, get, newClient, register } from './support/requests.ts';

const runs = 1000;

/** Addresses and texts near the border between right and wrong. */
const email = fc.oneof(
  fc.emailAddress(),
  fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.domain())
    .map(([local, domain]) => `${local}@${domain}`),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom(
    'a@example.org',
    ' a@example.org',
    'a@b',
    'a@example.org\r\nBcc: b@example.org',
    'ａ@example.org',
    '\ud800@example.org',
  ),
);
const locale = fc.oneof(
  fc.constantFrom('en', 'es-419', 'zh_Hant', 'x-private', 'de-1901', 'art-lojban'),
  fc.string({ maxLength: 40 }),
);
const redirect = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.webPath().map((path) => `https://app.example.com${path}`),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.constantFrom(
    'https://app.example.com:443/',
    'https://APP.example.com',
    'https://app.example.com/?token=x',
    'javascript:alert(1)',
  ),
);
const loose = <T>(likely: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 5, arbitrary: likely }, { weight: 1, arbitrary: fc.jsonValue() });
const object = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc
    .tuple(
      fc.record(fields, { requiredKeys: [] }),
      fc.oneof(
        { weight: 4, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.dictionary(fc.string(), fc.jsonValue()) },
      ),
    )
    .map(([known, unknown]) => ({ ...unknown, ...known }));

/** What is sent: mostly an object near the schema, sometimes any JSON, sometimes any bytes. */
const payloadNear = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<string | Buffer> =>
  fc.oneof(
    { weight: 8, arbitrary: object(fields).map((body) => JSON.stringify(body)) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );

const contentType = fc.oneof(
  { weight: 12, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'application/json; charset=utf-16',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      '',
      'x',
    ),
  },
);

describe('whatever is sent', () => {
  let installation: Installation;
  let api: TestApi;
  let check: AnswerCheck;
  let tenantId: string;
  const tokens: string[] = [];
  const seen = new Map<string, Set<number>>();

  beforeAll(async () => {
    installation = await openInstallation();
    api = await installation.startApi({
      RATE_LIMIT_IP: 'off',
      RATE_LIMIT_ADDRESS: '3/60',
      LOG_LEVEL: 'fatal',
    });
    check = answerCheck((await get(api, '/openapi.json')).json<OpenApi>());
    ({ tenantId } = await register(api));
    tokens.push((await handOverNewest(installation.db, api.config)).token);
  });
  afterAll(() => installation.close());

  const send = async (
    method: 'POST' | 'PATCH',
    route: string,
    url: string,
    payload: string | Buffer,
    type: string,
  ): Promise<Answer> => {
    const answer = await api.app.inject({
      method,
      url,
      remoteAddress: newClient(),
      headers: { 'content-type': type, authorization: `Bearer ${adminKey}` },
      payload,
    });
    const statuses = seen.get(route) ?? new Set();
    seen.set(route, statuses.add(answer.statusCode));
    return answer;
  };
  const isPage = (answer: Answer): boolean => String(answer.headers['content-type']).startsWith('text/html');

  const routes: readonly (readonly [
    'POST' | 'PATCH',
    string,
    Record<string, fc.Arbitrary<unknown>>,
    readonly number[],
  ])[] = [
    [
      'POST',
      '/v1/register',
      {
        email: loose(email),
        name: loose(fc.string({ unit: 'binary', maxLength: 120 })),
        locale: loose(locale),
        verificationRedirectUrl: loose(redirect),
      },
      [201, 400],
    ],
    [
      'POST',
      '/v1/resend-verification',
      { email: loose(email), locale: loose(locale), verificationRedirectUrl: loose(redirect) },
      [200, 400, 429],
    ],
    [
      'POST',
      '/v1/verify-email',
      {
        token: loose(
          fc.oneof(
            fc.constant('').map(() => tokens[0]),
            fc.stringMatching(/^[0-9a-f]{64}$/),
            fc.string(),
          ),
        ),
      },
      [200, 400],
    ],
    [
      'PATCH',
      '/v1/admin/tenants/{id}/status',
      { status: loose(fc.constantFrom('ACTIVE', 'SUSPENDED', 'PAST_DUE', 'active')) },
      [200, 400],
    ],
  ];

  it.each(routes)(
    `%s %s: ${runs} bodies, never a 5xx, and every answer as documented`,
    async (method, route, fields, expected) => {
      await fc.assert(
        fc.asyncProperty(payloadNear(fields), contentType, async (payload, type) => {
          const answer = await send(method, route, route.replace('{id}', tenantId), payload, type);
          expect(answer.statusCode).toBeLessThan(500);
          if (!isPage(answer)) expect(check(method, route, answer)).toBeUndefined();
        }),
        { numRuns: runs },
      );
      // Random bodies that are all refused would prove little.
      expect([...(seen.get(route) ?? [])]).toEqual(expect.arrayContaining([...expected]));
    },
    60_000,
  );

  it('any query of the GET routes: never a 5xx, and every answer as documented', async () => {
    const query = fc.dictionary(
      fc.oneof(
        fc.constantFrom('email', 'token', 'address', 'status', 'limit', 'cursor', 'tenantId'),
        fc.string(),
      ),
      fc.oneof(email, fc.string({ unit: 'binary' })),
      { maxKeys: 4 },
    );
    const paths = fc.constantFrom(
      '/v1/verification/cooldown',
      '/v1/verify-email/check',
      '/v1/verify-email',
      '/v1/admin/messages',
    );
    await fc.assert(
      fc.asyncProperty(paths, query, async (path, pairs) => {
        const search = new URLSearchParams(pairs).toString();
        const answer = await get(api, `${path}?${search}`, {
          headers: { accept: 'application/json', authorization: `Bearer ${adminKey}` },
        });
        expect(answer.statusCode).toBeLessThan(500);
        expect(check('GET', path, answer)).toBeUndefined();
      }),
      { numRuns: runs },
    );
  }, 60_000);

  it('nothing that was accepted holds a line break where a header could be made of it', async () => {
    const accounts = await installation.db
      .selectFrom('accounts')
      .select(['email', 'locale', 'redirect_url'])
      .execute();
    // About twenty by chance; far fewer would mean that nearly nothing was accepted and little is shown.
    expect(accounts.length).toBeGreaterThan(5);
    for (const { email: address, locale: tag, redirect_url } of accounts)
      expect([address, tag ?? '', redirect_url ?? ''].join('')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  });
});
